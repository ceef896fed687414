"""Let a request be answered within seconds, whatever the database does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from app.db import statement_timeout


class BoundWaits:
    """WSGI middleware: all waits of a request for a database that does not answer have a limit together.

    A streamed response has none for its parts, each of which is bounded by itself.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        with statement_timeout.budget(statement_timeout.REQUEST_SECONDS):
            return self._app(environ, start_response)

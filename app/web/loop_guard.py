"""Refuse this gateway's own calls to Meta, which arrive here if Meta's host name resolves to this gateway."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from app.graph.loop_guard import HEADER, MESSAGE
from app.logs import get_logger, request_id_var

_KEY = f"HTTP_{HEADER.upper().replace('-', '_')}"

logger = get_logger(__name__)


class RefuseOwnCalls:
    """WSGI middleware: answers 508 to requests with this gateway's own id, whatever their host name and path.

    The response carries the same id, from which the calling code knows that nothing was done, and why.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], gateway_id: str) -> None:
        self._app = app
        self._id = gateway_id

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        if environ.get(_KEY) != self._id:
            return self._app(environ, start_response)
        logger.error("a call to Meta came back to this gateway; remove the hosts entry that directs it here")
        error = {"message": MESSAGE, "type": "OAuthException", "code": 2, "fbtrace_id": request_id_var.get()}
        body = json.dumps({"error": error}).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), (HEADER, self._id)]
        start_response("508 Loop Detected", headers)
        return [body]

"""Around every request: an id for it, and a line about it.

WSGI rather than Flask's hooks, because webhooks come by the thousand and hooks cost more than keeping one does.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from app.logs import get_logger, request_id_var

WEBHOOK = ("/webhook/whatsapp", "/webhook/whatsapp/")

_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")

SHOWN = 3
"""How much of a path a line shows: its first two words."""

logger = get_logger(__name__)


class Observe:
    """WSGI middleware: takes `X-Request-ID` or makes one, answers with it, and logs requests without their query.

    Webhooks that were kept are logged a batch at a time, where they are committed.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], rules: Iterable[str]) -> None:
        """`rules` are the application's routes, whose words may be logged: anything else of a path may be somebody's
        number, or what they wrote."""
        self._app = app
        self._words = {"", *(word for rule in rules for word in rule.split("/")[1:SHOWN] if "<" not in word)}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        given = environ.get("HTTP_X_REQUEST_ID")
        request_id = given if given and _GIVEN.fullmatch(given) else uuid.uuid4().hex
        token = request_id_var.set(request_id)
        started = time.perf_counter()

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            headers.append(("X-Request-ID", request_id))
            if environ.get("PATH_INFO") not in WEBHOOK or not status.startswith("200"):
                self._log(environ, status, started)
            return start_response(status, headers, exc_info)

        try:
            return self._app(environ, start)
        finally:
            request_id_var.reset(token)

    def _log(self, environ: dict[str, Any], status: str, started: float) -> None:
        path = environ.get("PATH_INFO", "")
        is_reading = environ.get("REQUEST_METHOD") in ("GET", "HEAD", "OPTIONS")
        level = logging.DEBUG if is_reading and status[0] in "123" else logging.INFO
        if logger.isEnabledFor(level):
            extra = {
                "method": environ.get("REQUEST_METHOD", ""),
                "route": "/".join(word if word in self._words else "*" for word in path.split("/")[:SHOWN]),
                "status": status[:3],
                "duration_ms": round((time.perf_counter() - started) * 1000, 1),
            }
            logger.log(level, "request", extra=extra)

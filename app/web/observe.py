"""Assign an id to every request, and log it.

This is WSGI middleware and uses no Flask hooks, because for webhooks the hooks would cost more than storing the body.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from app import metrics, metrics_exemplars, traces
from app.logs import get_logger, request_id_var
from app.security.answer_headers import add_missing

WEBHOOK = ("/webhook/whatsapp", "/webhook/whatsapp/")
"""With a slash behind it too: Meta posts to the callback URL exactly as it was typed there."""

KEPT = "whatsapp_service.kept"
"""Key of the WSGI environ that is there once a webhook was committed and is answered before Flask."""

METHODS = frozenset("GET HEAD POST PUT PATCH DELETE OPTIONS".split())
"""Methods that a log line shows; a client may send any other text."""

_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")

AREAS = frozenset("api docs graph healthz inbox media metrics readyz send webhook".split())
"""First words of routes by which requests are counted; any other is `other`, whatever a stranger asks for."""

SHOWN = 3
"""Parts of a split path that a log line shows: the empty one and the first two words."""

logger = get_logger(__name__)


class Observe:
    """WSGI middleware: takes `X-Request-ID` or creates one, returns it, counts requests, and logs them without their
    query string.

    Stored webhooks (`KEPT`) are counted and logged batch by batch where they are committed, and have their headers. The
    handshake, a trial of our own and whatever was refused at their path are requests like any other.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], rules: Iterable[str]) -> None:
        """`rules` are the application's routes. Only their words are logged: any other part of a path may be a person's
        number or text."""
        self._app = app
        self._words = {"", *(word for rule in rules for word in rule.split("/")[1:SHOWN] if "<" not in word)}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        given = environ.get("HTTP_X_REQUEST_ID")
        request_id = given if given and _GIVEN.fullmatch(given) else os.urandom(16).hex()
        token = request_id_var.set(request_id)
        started = time.perf_counter()
        streamed: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            headers.append(("X-Request-ID", request_id))
            if KEPT not in environ:
                add_missing(headers)
                if _is_streamed(environ, status, headers):
                    streamed[:] = [status]
                else:
                    self._log(environ, status, started)
            return start_response(status, headers, exc_info)

        try:
            answer = self._app(environ, start)
        finally:
            request_id_var.reset(token)
        return self._streaming(answer, environ, streamed, request_id, started) if streamed else answer

    def _streaming(
        self, answer: Iterable[bytes], environ: dict[str, Any], status: list[str], request_id: str, started: float
    ) -> Iterator[bytes]:
        """Yield the parts of a streamed response, and log it at its end under its request id.

        If it fails, one line is logged, and the connection is reset: closed in order, the response would look complete.
        `ConnectionResetError` keeps the server from logging a second line.
        """
        request_id_var.set(request_id)
        try:
            yield from answer
        except Exception as error:
            extra = {"error": type(error).__name__, "route": self._route(environ)}
            logger.warning("an answer broke off", extra=extra)
            raise ConnectionResetError(errno.ECONNRESET, "the answer broke off") from None
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()
            self._log(environ, status[0], started)
            request_id_var.set("")

    def _route(self, environ: dict[str, Any]) -> str:
        path: str = environ.get("PATH_INFO", "")
        return "/".join(word if word in self._words else "*" for word in path.split("/")[:SHOWN])

    def _log(self, environ: dict[str, Any], status: str, started: float) -> None:
        seconds = time.perf_counter() - started
        area = environ.get("PATH_INFO", "").split("/", 2)[1:2]
        metrics.http_requests.labels(area[0] if area and area[0] in AREAS else "other", status[:3]).inc()
        metrics_exemplars.observe(metrics.http_seconds, seconds, request_id_var.get())
        traces.record(
            "request", request_id_var.get(), seconds, is_first=True, has_failed=status[0] == "5",
            http__request__method=_method(environ), http__route=self._route(environ),
            http__response__status_code=int(status[:3]),
        )  # fmt: skip
        is_reading = environ.get("REQUEST_METHOD") in ("GET", "HEAD", "OPTIONS")
        level = logging.DEBUG if is_reading and status[0] in "123" else logging.INFO
        if logger.isEnabledFor(level):
            extra = {
                "method": _method(environ),
                "route": self._route(environ),
                "status": status[:3],
                "duration_ms": round(seconds * 1000, 1),
            }
            logger.log(level, "request", extra=extra)


def _is_streamed(environ: dict[str, Any], status: str, headers: list[tuple[str, str]]) -> bool:
    """Whether a response is generated while it is sent, so that its length is unknown."""
    if status[:3] in ("204", "304") or environ.get("REQUEST_METHOD") == "HEAD":
        return False
    return not any(name.lower() == "content-length" for name, _ in headers)


def _method(environ: dict[str, Any]) -> str:
    method = environ.get("REQUEST_METHOD", "")
    return method if method in METHODS else "*"

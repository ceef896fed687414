"""Drop the rest of a body whose request has been refused before it was read.

A server that closes a connection with unread bytes resets it, and the client, or a proxy between, may never see the
response. So a bounded part of the body is read and dropped after the response; then the connection's input is shut.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

RAW = "whatsapp_service.raw"
"""Key of the WSGI environ that holds a request's body once it has been read to its end."""

MAX_SECONDS = 5.0
MAX_BYTES = 64 * 1024 * 1024
MAX_AT_ONCE = 100
"""Bodies dropped at the same time. Further connections are shut at once: no proxy sends so many."""

PART = 64 * 1024
STEP_SECONDS = 1.0


class DropUnread:
    """WSGI middleware that drops bodies which the application did not read. Costs two look-ups if there is no body."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self._dropping = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        answer = self._app(environ, start_response)
        if RAW in environ or not _has_body(environ):
            return answer
        return self._answer_then_drop(answer, environ)

    def _answer_then_drop(self, answer: Iterable[bytes], environ: dict[str, Any]) -> Iterator[bytes]:
        try:
            yield from answer
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()
            self._drop(environ)

    def _drop(self, environ: dict[str, Any]) -> None:
        connection = environ.get("gunicorn.socket")
        if self._dropping < MAX_AT_ONCE:
            self._dropping += 1
            try:
                read_chunk = _chunk_reader(environ)
                if read_chunk is not None:
                    return _drop_chunks(read_chunk)
                if _drop_all(environ["wsgi.input"], environ.get("CONTENT_LENGTH"), connection):
                    return
            finally:
                self._dropping -= 1
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)  # otherwise the server itself would wait for the rest


def _has_body(environ: dict[str, Any]) -> bool:
    return environ.get("CONTENT_LENGTH", "") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ


def _chunk_reader(environ: dict[str, Any]) -> Callable[[int], bytes] | None:
    """Return uWSGI's function for chunked bodies, because its input stream does not end with the body; else None."""
    if environ.get("CONTENT_LENGTH") or "uwsgi.version" not in environ:
        return None
    return getattr(sys.modules.get("uwsgi"), "chunked_read", None)


def _drop_chunks(read: Callable[[int], bytes]) -> None:
    """Read and drop chunks until the last one, the time limit or the size limit."""
    left, until = MAX_BYTES, time.monotonic() + MAX_SECONDS
    with suppress(OSError):
        while left > 0 and time.monotonic() < until and (chunk := read(max(1, round(STEP_SECONDS)))):
            left -= len(chunk)


def _drop_all(stream: Any, length: str | None, connection: Any) -> bool:
    """Read and drop the rest; False if it did not end in time. Without the server's socket, only one with a length."""
    if connection is None and not (length or "").isdigit():
        return True
    left = int(length) if length and length.isdigit() else MAX_BYTES
    until = time.monotonic() + MAX_SECONDS
    if left > MAX_BYTES:
        left = MAX_BYTES
    try:
        while left > 0 and time.monotonic() < until:
            if connection is not None:
                connection.settimeout(STEP_SECONDS)
            part = stream.read(min(PART, left))
            if not part:
                return True
            left -= len(part)
        return left <= 0
    except Exception:
        return False  # the connection broke or was silent; the client cannot be informed
    finally:
        if connection is not None:
            with suppress(OSError):
                connection.settimeout(None)

"""What a client still sends when its request has been refused already.

A server that closes a connection with bytes unread resets it, and the client, or the proxy between, then may never see
the answer. So a bounded part is read and dropped after the answer has been sent; then the connection's input ends.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

RAW = "whatsapp_service.raw"
"""Of a request's environ: its body, when that has been read to the end."""

SECONDS = 5.0
BYTES = 64 * 1024 * 1024
AT_ONCE = 100
"""More at the same time are not waited for: whoever sends so many is no proxy."""

PART = 64 * 1024
STEP_SECONDS = 1.0


class DropUnread:
    """WSGI middleware: takes care of bodies that the application did not read. Costs two looks where there is none."""

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
        if self._dropping < AT_ONCE:
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
                connection.shutdown(socket.SHUT_RD)  # or the server itself would wait for the rest


def _has_body(environ: dict[str, Any]) -> bool:
    return environ.get("CONTENT_LENGTH", "") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ


def _chunk_reader(environ: dict[str, Any]) -> Callable[[int], bytes] | None:
    """What reads a chunked body under uWSGI, which ends none by itself: the server's own function."""
    if environ.get("CONTENT_LENGTH") or "uwsgi.version" not in environ:
        return None
    return getattr(sys.modules.get("uwsgi"), "chunked_read", None)


def _drop_chunks(read: Callable[[int], bytes]) -> None:
    """Read and drop chunks until the last has come, or no more come, or there are too many."""
    left, until = BYTES, time.monotonic() + SECONDS
    with suppress(OSError):
        while left > 0 and time.monotonic() < until and (chunk := read(max(1, round(STEP_SECONDS)))):
            left -= len(chunk)


def _drop_all(stream: Any, length: str | None, connection: Any) -> bool:
    """Read and drop the rest; False when it did not end in time. Without the server's socket only by its length."""
    if connection is None and not (length or "").isdigit():
        return True
    left = int(length) if length and length.isdigit() else BYTES
    until = time.monotonic() + SECONDS
    if left > BYTES:
        left = BYTES
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
        return False  # it broke off, or was silent: there is nobody to tell
    finally:
        if connection is not None:
            with suppress(OSError):
                connection.settimeout(None)

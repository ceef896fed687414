"""A web process of gunicorn's under gevent: idle connections are kept long, and a stop does not wait for them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

import gevent
from gevent import socket
from gunicorn import util
from gunicorn.workers.ggevent import GeventWorker

from app.logs.lines import request_id_var

LINGER_SECONDS = 2.0
"""How long a stopping process leaves a connection open that waits for its next request: one may be under way."""

LOOK_SECONDS = 0.25

SPARE_SECONDS = 2
"""How much longer a connection is kept than `Keep-Alive` says, for a request that leaves at the last moment."""

HEADERS_SECONDS = 10.0
"""How long the head of a request may take from its first byte on."""

WAITING_SHARE = 0.8
"""The part of all connections that may wait for a request; of more, those that wait longest are closed."""

ERROR_CODES = {400: "malformed", 414: "uri_too_long", 500: "internal"}
"""The API's codes for what gunicorn itself answers; any other status is `http_<status>`, as in `app.web.errors`."""

MESSAGES = {
    400: "The request is not valid HTTP.",
    414: "The request line is too long; send long values in a body.",
    431: "The headers are too many, or one is too long.",
    500: "Something went wrong on our side.",
}


class WebProcess(GeventWorker):  # type: ignore[misc]
    """Gunicorn's own, but for waiting connections, the answers to what is not HTTP, and its end."""

    def run(self) -> None:
        """Serve until the stop."""
        self._waits: dict[_Wait, None] = {}  # a dict, because it keeps their order
        gevent.spawn(self._end_waits)
        super().run()

    def handle(self, listener: Any, client: socket.socket, addr: Any) -> None:
        """Serve one connection until it closes. Unless it is TLS, it tells its wait when a request begins."""
        gevent.getcurrent().connection = None
        if not self.cfg.is_ssl:
            client = _Connection(client.family, client.type, client.proto, fileno=client.detach())
            gevent.getcurrent().connection = client
        super().handle(listener, client, addr)

    def load_wsgi(self) -> None:
        """Load the application, whose answers then say how long their connection is kept."""
        super().load_wsgi()
        self.wsgi: Callable[..., Iterable[bytes]] = KeepAlive(self.wsgi, int(self.cfg.keepalive - SPARE_SECONDS))

    def timeout_ctx(self) -> _Wait:
        """Return what bounds the wait of the running greenlet's connection for a request."""
        if len(self._waits) >= self.worker_connections * WAITING_SHARE:
            next(iter(self._waits)).end()
        seconds = self.cfg.keepalive if self.alive else min(self.cfg.keepalive, LINGER_SECONDS)
        return _Wait(self._waits, seconds)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what gunicorn cannot read with the status that it chose, in the API's error shape."""
        request_id = uuid.uuid4().hex
        token = request_id_var.set(request_id)
        try:
            super().handle_error(req, _JsonErrors(client, request_id), addr, exc)
        finally:
            request_id_var.reset(token)
        if isinstance(exc, Exception):
            util.close_graceful(client)  # with bytes unread, a plain close could lose the answer

    def _end_waits(self) -> None:
        while self.alive:
            gevent.sleep(LOOK_SECONDS)
        gevent.sleep(LINGER_SECONDS)
        for wait in list(self._waits):
            wait.end()


class KeepAlive:
    """WSGI middleware just below gunicorn: `Keep-Alive: timeout=<seconds>` on answers that keep their connection.

    Gunicorn drops such headers where an application sets them, so this one adds to what gunicorn is about to write.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], seconds: int) -> None:
        self._app = app
        self._header = ("Keep-Alive", f"timeout={seconds}")

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve one request."""
        response = start_response.__self__

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            write = start_response(status, headers, exc_info)
            if not response.should_close() and not response.headers_sent:
                response.headers.append(self._header)
            return write

        return self._app(environ, start)


class _Wait:
    """The wait of one connection for its next request. When it is over the connection is closed in order."""

    __slots__ = ("_all", "_timeout", "_greenlet", "_has_begun", "_is_over")

    def __init__(self, all_waits: dict[_Wait, None], seconds: float) -> None:
        self._all = all_waits
        self._timeout = gevent.Timeout(seconds, False)
        self._greenlet = gevent.getcurrent()
        self._has_begun = False
        self._is_over = False

    def __enter__(self) -> None:
        self._all[self] = None
        self._timeout.start()
        self._tell_connection(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._is_over = True
        self._tell_connection(None)
        self._all.pop(self, None)
        self._timeout.close()
        return error is self._timeout

    def _tell_connection(self, wait: _Wait | None) -> None:
        if self._greenlet.connection is not None:
            self._greenlet.connection.wait = wait

    def hear(self) -> None:
        """Allow the rest of a request's head `HEADERS_SECONDS` from the first byte on; the waiting greenlet calls."""
        if not self._has_begun and self in self._all:
            self._has_begun = True
            self._timeout.close()
            self._timeout = gevent.Timeout(HEADERS_SECONDS, False)
            self._timeout.start()

    def end(self) -> None:
        """Let it be over now, unless its request comes first: that must not be broken off."""
        self._all.pop(self, None)
        gevent.get_hub().loop.run_callback(self._throw)

    def _throw(self) -> None:
        if not self._is_over:
            self._greenlet.throw(self._timeout)


class _Connection(socket.socket):  # type: ignore[misc]
    """A client's connection, which tells the wait that runs on it of every byte that comes."""

    wait: _Wait | None = None

    def recv(self, *args: Any) -> bytes:
        """Receive as a socket does."""
        data: bytes = super().recv(*args)
        if data and self.wait is not None:
            self.wait.hear()
        return data


class _JsonErrors:
    """A client's connection to which gunicorn writes an error page, and which sends JSON with the same status."""

    def __init__(self, client: Any, request_id: str) -> None:
        self._client = client
        self._request_id = request_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def sendall(self, page: bytes) -> None:
        """Send JSON in place of gunicorn's page."""
        status_line = page.split(b"\r\n", 1)[0].decode("latin-1")
        self._client.sendall(error_answer(status_line, self._request_id))


def error_answer(status_line: str, request_id: str) -> bytes:
    """Return a whole answer with this status line (`HTTP/1.1 414 URI Too Long`), in the API's error shape."""
    _, number, reason = status_line.split(" ", 2)
    status = int(number)
    details = {
        "code": ERROR_CODES.get(status, f"http_{status}"),
        "message": MESSAGES.get(status, reason),
        "retryable": False,
    }
    body = json.dumps({"success": False, "error": details, "request_id": request_id}).encode()
    head = (
        f"{status_line}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"X-Request-ID: {request_id}\r\nX-Content-Type-Options: nosniff\r\n\r\n"
    )
    return head.encode("latin-1") + body

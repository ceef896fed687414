"""A web process of gunicorn's under gevent that keeps idle connections long and does not wait for them at a stop."""

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
from app.security import answer_headers

LINGER_SECONDS = 2.0
"""How long a stopping process keeps an idle connection open, because a request may be on its way."""

LOOK_SECONDS = 0.25

SPARE_SECONDS = 2
"""How many seconds longer than `Keep-Alive` says a connection is kept, for a request sent at the last moment."""

HEADERS_SECONDS = 10.0
"""How long the head of a request may take from its first byte on."""

WAITING_SHARE = 0.8
"""The share of all connections that may be idle; beyond it, those that have been idle longest are closed."""

ERROR_CODES = {400: "malformed", 414: "uri_too_long", 500: "internal"}
"""The API's codes for errors that gunicorn answers; any other status is `http_<status>`, as in `app.web.errors`."""

MESSAGES = {
    400: "The request is not valid HTTP.",
    414: "The request line is too long; send long values in a body.",
    431: "The headers are too many, or one is too long.",
    500: "Something went wrong on our side.",
}


class WebProcess(GeventWorker):  # type: ignore[misc]
    """gunicorn's worker class, changed for idle connections, answers to malformed requests, and its end."""

    def run(self) -> None:
        """Serve until the stop."""
        self._waits: dict[_Wait, None] = {}  # a dict, because it keeps the order
        gevent.spawn(self._end_waits)
        super().run()

    def handle(self, listener: Any, client: socket.socket, addr: Any) -> None:
        """Serve one connection until it closes. Without TLS, the connection notes when a request begins."""
        gevent.getcurrent().connection = None
        if not self.cfg.is_ssl:
            client = _Connection(client.family, client.type, client.proto, fileno=client.detach())
            gevent.getcurrent().connection = client
        super().handle(listener, client, addr)

    def load_wsgi(self) -> None:
        """Load the application, and add `Keep-Alive` headers to its responses."""
        super().load_wsgi()
        self.wsgi: Callable[..., Iterable[bytes]] = KeepAlive(self.wsgi, int(self.cfg.keepalive - SPARE_SECONDS))

    def timeout_ctx(self) -> _Wait:
        """Return the limit of the time for which the running greenlet's connection waits for a request."""
        if len(self._waits) >= self.worker_connections * WAITING_SHARE:
            next(iter(self._waits)).end()
        seconds = self.cfg.keepalive if self.alive else min(self.cfg.keepalive, LINGER_SECONDS)
        return _Wait(self._waits, seconds)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that gunicorn cannot read, with gunicorn's status and in the API's error shape."""
        request_id = uuid.uuid4().hex
        token = request_id_var.set(request_id)
        try:
            super().handle_error(req, _JsonErrors(client, request_id), addr, exc)
        finally:
            request_id_var.reset(token)
        if isinstance(exc, Exception):
            util.close_graceful(client)  # with unread bytes, a plain close could lose the response

    def _end_waits(self) -> None:
        while self.alive:
            gevent.sleep(LOOK_SECONDS)
        gevent.sleep(LINGER_SECONDS)
        for wait in list(self._waits):
            wait.end()


class KeepAlive:
    """WSGI middleware just below gunicorn: adds `Keep-Alive: timeout=<seconds>` if the connection is kept.

    gunicorn drops such headers of an application, so this class adds them to those that gunicorn is about to write.
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
    """The wait of one connection for its next request. When the time is over, the connection is closed in order."""

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
        """Limit the rest of the head to `HEADERS_SECONDS` from its first byte on. Call in the waiting greenlet."""
        if not self._has_begun and self in self._all:
            self._has_begun = True
            self._timeout.close()
            self._timeout = gevent.Timeout(HEADERS_SECONDS, False)
            self._timeout.start()

    def end(self) -> None:
        """End the wait now, unless a request comes first, which must not be interrupted."""
        self._all.pop(self, None)
        gevent.get_hub().loop.run_callback(self._throw)

    def _throw(self) -> None:
        if not self._is_over:
            self._greenlet.throw(self._timeout)


class _Connection(socket.socket):  # type: ignore[misc]
    """A client's connection that notifies the current wait of every byte received."""

    wait: _Wait | None = None

    def recv(self, *args: Any) -> bytes:
        """Receive as a socket does."""
        data: bytes = super().recv(*args)
        if data and self.wait is not None:
            self.wait.hear()
        return data


class _JsonErrors:
    """A client's connection that replaces gunicorn's error page by JSON with the same status."""

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
    """Return a whole HTTP response with this status line (`HTTP/1.1 414 URI Too Long`), in the API's error shape."""
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
        f"X-Request-ID: {request_id}\r\n"
    )
    head += "".join(f"{name}: {value}\r\n" for name, value in answer_headers.ALL)
    return head.encode("latin-1") + b"\r\n" + body

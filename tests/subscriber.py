"""A stand-in for the user's app: keeps what is posted to it and answers as a test says."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ALLOWED = "127.0.0.0/8"


@dataclass(frozen=True, slots=True)
class Posted:
    """One request: its headers by lower-case name, and its bytes."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The event's id."""
        return self.headers["webhook-id"]


Reply = Callable[["Handler", Posted], None]


class Handler(BaseHTTPRequestHandler):
    """Reads a request and lets the app's `reply` answer it."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError  # whoever posted was killed in the middle: nothing has arrived
        posted = Posted({name.lower(): value for name, value in self.headers.items()}, body)
        app: App = self.server.app
        if app.is_stopped:
            raise ConnectionAbortedError
        with app.mutex:
            app.posted.append(posted)
        app.reply(self, posted)

    do_GET = do_POST

    def answer(self, status: int = 200, body: bytes = b"{}", **headers: str) -> None:
        """Write a whole answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._connections: set[socket.socket] = set()
        self._mutex = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._mutex:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._mutex:
            self._connections.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """Read nothing more on any connection, so that whoever waits for a request there closes it."""
        with self._mutex, suppress(OSError):
            for connection in self._connections:
                connection.shutdown(socket.SHUT_RD)


class App:
    """Listens on a free port of loopback."""

    def __init__(self, reply: Reply | None = None) -> None:
        self.posted: list[Posted] = []
        self.mutex = threading.Lock()
        self.is_stopped = False
        self.reply: Reply = reply or (lambda handler, _: handler.answer())
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.app = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._server.server_port}/events"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def ids(self) -> list[str]:
        """The events' ids, in the order in which they came."""
        with self.mutex:
            return [posted.id for posted in self.posted]

    def stop(self) -> None:
        """Stop listening, and answer nothing more on connections that are kept."""
        self.is_stopped = True
        self._server.shutdown()
        self._server.server_close()
        self._server.end_connections()


def answering(status: int, body: bytes = b"{}", **headers: str) -> Reply:
    """A reply that is always the same."""
    return lambda handler, _: handler.answer(status, body, **headers)


def as_meta(calls: Counter[str]) -> Reply:
    """Accept every send, as Meta does, and count it by our own tag: one that is there twice was called twice."""

    def reply(handler: Handler, posted: Posted) -> None:
        if not posted.body:  # a look at the number, or at the token
            handler.answer(body=b"{}")
            return
        tag = json.loads(posted.body)["biz_opaque_callback_data"]
        calls[tag] += 1
        handler.answer(body=json.dumps({"messages": [{"id": f"wamid.{tag}"}]}).encode())

    return reply


@contextmanager
def subscriber(reply: Reply | None = None) -> Iterator[App]:
    """An app of the user's, stopped at the end."""
    app = App(reply)
    try:
        yield app
    finally:
        app.stop()

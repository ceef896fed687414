"""A webhook endpoint for tests: a real HTTP server on a free port that checks signatures and remembers what came."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "receiver-secret"


class Receiver:
    """Answers 200, or what `answers` says first, one after the other."""

    def __init__(self) -> None:
        self.notifications: list[dict[str, Any]] = []
        self.bad_signatures = 0
        self.answers: list[int] = []
        self._came = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhook/whatsapp"

    def values(self, field: str = "messages") -> list[dict[str, Any]]:
        """The values of every change that came, in the order they came in."""
        with self._came:
            entries = [entry for notification in self.notifications for entry in notification["entry"]]
        return [change["value"] for entry in entries for change in entry["changes"] if change["field"] == field]

    def messages(self) -> list[dict[str, Any]]:
        """The customers' messages that came."""
        return [message for value in self.values() for message in value.get("messages", [])]

    def statuses(self) -> list[dict[str, Any]]:
        """The statuses that came."""
        return [status for value in self.values() for status in value.get("statuses", [])]

    def wait(self, read: Any, count: int, seconds: float = 5.0) -> list[Any]:
        """What `read` gives once it is at least so many; fails when the time is over."""
        deadline = time.monotonic() + seconds
        while len(found := read()) < count:
            with self._came:
                left = deadline - time.monotonic()
                assert left > 0, f"{len(found)} of {count} came"
                self._came.wait(min(left, 0.2))
        return list(found)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, body: bytes, signature: str | None) -> int:
        expected = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        with self._came:
            status = self.answers.pop(0) if self.answers else 200
            if signature != expected:
                self.bad_signatures += 1
                status = 401
            if status == 200:
                self.notifications.append(json.loads(body))
            self._came.notify_all()
        return status

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver._take(body, self.headers["X-Hub-Signature-256"])
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing: the test says what matters."""

        return Handler

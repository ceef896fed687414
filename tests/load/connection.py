"""A keep-alive connection that costs next to nothing: bytes made beforehand, the status read, the rest let go."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from tests.load.bodies import Webhook

TIMEOUT_SECONDS = 12.0


def raw_request(url: str, webhook: Webhook) -> bytes:
    """The bytes of one keep-alive POST."""
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: facebookexternalua\r\n"
        f"Content-Type: application/json\r\nX-Hub-Signature-256: {webhook.signature}\r\n"
        f"Content-Length: {len(webhook.body)}\r\n\r\n"
    )
    return head.encode() + webhook.body


class Connection:
    """One keep-alive connection with at most one request under way; opened, and opened again, when it is needed."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.due = 0.0
        self._received = b""
        self._socket: socket.socket | None = None

    def open(self) -> socket.socket:
        """The socket, connected if it was not."""
        if self._socket is None:
            self._socket = socket.create_connection(self.address, timeout=TIMEOUT_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def close(self) -> None:
        """Let the socket go, with whatever had come."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._received = None, b""

    def fileno(self) -> int:
        """For `select`."""
        return self.open().fileno()

    def post(self, request: bytes, due: float) -> None:
        """Send one request whose latency counts from `due`."""
        self.due = due
        self.open().sendall(request)

    def answer(self) -> int | None:
        """Read what has come: the status once the answer is whole, None before; OSError when it never will be."""
        chunk = self.open().recv(65536)
        if not chunk:
            raise ConnectionError("closed before an answer")
        self._received += chunk
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or len(body) < _content_length(head):
            return None
        self._received = b""
        if b"connection: close" in head.lower():
            self.close()
        return int(head[9:12])

    def whole_answer(self) -> int:
        """Wait for the answer; its status. OSError when it never will be whole."""
        while (status := self.answer()) is None:
            pass
        return status


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0

"""Meta and the user's app in one event loop: webhooks go out at fixed times, and what reaches the app is timed.

The app answers each event at once, or after a delay; Graph gives each send an id. Both read just enough of a request to
do that, so that two cores are left to what is measured: a post of 1 kB costs this loop some 0.03 ms.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.load.bodies import Webhook
from tests.load.connection import raw_request

CONNECTIONS = 64

Key = tuple[str, str]
"""A wamid, and the status that Meta reported of it; "" for a message itself."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that the gateway gave to Graph: what Meta names in its status webhooks."""

    wamid: str
    to: str
    callback_data: str | None


class Server(asyncio.Protocol):
    """One connection of a server: `answered` gets each body, and returns that of the answer; `delay` is in seconds."""

    def __init__(self, traffic: Traffic, *, is_graph: bool) -> None:
        self._traffic = traffic
        self._is_graph = is_graph
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        while True:
            head_end = received.find(b"\r\n\r\n")
            if head_end < 0:
                break
            end = head_end + 4 + _length(received[:head_end])
            if len(received) < end:
                break
            self._take(received[head_end + 4 : end])
            received = received[end:]
        self._received = received

    def _take(self, body: bytes) -> None:
        traffic = self._traffic
        if self._is_graph:
            self._answer(traffic.send(body))
            return
        traffic.note(body)
        if traffic.delay:
            traffic.loop.call_later(traffic.delay, self._answer, b"{}")
        else:
            self._answer(b"{}")

    def _answer(self, body: bytes) -> None:
        assert self._transport is not None
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)


class Client(asyncio.Protocol):
    """One connection of Meta's, with one webhook under way at a time."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._received = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if separator and len(body) >= _length(head):
            self._traffic.refused += not head.startswith(b"HTTP/1.1 200")
            self._received = b""
            self._traffic.is_free(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._traffic.broken += not self._traffic.is_ending


@dataclass
class Traffic:
    """Runs within one event loop. Times are seconds of `time.perf_counter`."""

    delay: float = 0.0
    arrivals: dict[Key, float] = field(default_factory=dict)
    repeated: int = 0
    sent: list[Sent] = field(default_factory=list)
    refused: int = 0
    broken: int = 0
    last_at: float = 0.0
    is_ending: bool = False

    def __post_init__(self) -> None:
        self._idle: deque[Client] = deque()
        self._due: deque[bytes] = deque()
        self.loop = asyncio.get_running_loop()

    async def serve(self, *, is_graph: bool) -> tuple[asyncio.Server, str]:
        """Start the app or Graph on a free port, and return it with its URL."""
        server = await self.loop.create_server(lambda: Server(self, is_graph=is_graph), "127.0.0.1", 0)
        return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def send(self, body: bytes) -> bytes:
        """Take a send as Graph does, and return Graph's answer. Other requests, such as checks of a token, get none."""
        if b'"messaging_product"' not in body:
            return b"{}"
        given: dict[str, Any] = json.loads(body)
        wamid = f"wamid.HBgLOUT{len(self.sent):012d}{time.time_ns():x}"
        self.sent.append(Sent(wamid, str(given.get("to", "")), given.get("biz_opaque_callback_data")))
        answer = {"messaging_product": "whatsapp", "contacts": [{"input": "", "wa_id": given.get("to")}],
                  "messages": [{"id": wamid}]}  # fmt: skip
        return json.dumps(answer).encode()

    def note(self, body: bytes) -> None:
        """Note when an event reached the app."""
        self.last_at = time.perf_counter()
        key = key_of(body)
        if key is not None:
            self.repeated += key in self.arrivals
            self.arrivals.setdefault(key, self.last_at)

    async def post(self, url: str, webhooks: Sequence[Webhook], rate: float) -> list[float]:
        """Post webhooks, `rate` a second, whatever the gateway does; return when each was due.

        One that finds no connection free waits, and that counts.
        """
        requests = [raw_request(url, webhook) for webhook in webhooks]
        parts = urlsplit(url)
        host, port = parts.hostname or "127.0.0.1", parts.port or 80
        self.is_ending = False
        for _ in range(CONNECTIONS):
            _, client = await self.loop.create_connection(lambda: Client(self), host, port)
            self._idle.append(client)
        clients = list(self._idle)
        began = time.perf_counter() + 0.05
        dues = [began + number / rate for number in range(len(requests))]
        at = 0
        while at < len(requests):
            now = time.perf_counter()
            while at < len(requests) and dues[at] <= now:
                self._due.append(requests[at])
                at += 1
            self._begin()
            if at < len(requests):
                await asyncio.sleep(max(dues[at] - time.perf_counter(), 0.001))
        until = time.perf_counter() + 10
        while len(self._idle) < CONNECTIONS and time.perf_counter() < until:
            await asyncio.sleep(0.02)
        self.is_ending = True
        for client in clients:
            if client.transport is not None:
                client.transport.close()
        self._idle.clear()
        self._due.clear()
        return dues

    def is_free(self, client: Client) -> None:
        """A client has its answer."""
        self._idle.append(client)
        self._begin()

    def _begin(self) -> None:
        while self._due and self._idle:
            transport = self._idle.popleft().transport
            assert transport is not None
            transport.write(self._due.popleft())


def key_of(body: bytes) -> Key | None:
    """Return what an event is about, None for an event of another kind. Reads no JSON, because that takes long."""
    head = body[:160]
    wamid = _text_after(body, b'"message_id":"')
    if b'"type":"message.received"' in head:
        return wamid, ""
    if b'"type":"message.status"' in head:
        return wamid, _text_after(body, b'"status":{"status":"')
    return None


def _text_after(body: bytes, name: bytes) -> str:
    start = body.find(name) + len(name)
    return body[start : body.find(b'"', start)].decode()


def _length(head: bytes) -> int:
    start = head.lower().find(b"content-length:")
    return int(head[start + 15 :].split(b"\r", 1)[0]) if start >= 0 else 0

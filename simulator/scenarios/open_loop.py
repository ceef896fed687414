"""Posting at fixed times, whatever the other side does.

A latency counts from the time at which a webhook was due, so that waiting for a free connection is part of it: a server
that stalls cannot hide that by slowing its client down.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from simulator.scenarios.bodies import Key, Webhook

TIMEOUT_SECONDS = 20.0
NO_ANSWER = "no answer"

Progress = Callable[[int], None]
_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Posted:
    """What became of webhooks. `latencies` are milliseconds of those answered, `answers` counts statuses."""

    sent: int = 0
    seconds: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    sent_keys: set[Key] = field(default_factory=set)
    acknowledged: set[Key] = field(default_factory=set)


def post_at_rate(
    url: str, webhooks: Iterable[Webhook], *, rate: float, connections: int, progress: Progress
) -> Posted:
    """Post webhooks, `rate` a second over at most `connections`; `progress` hears of each answer."""
    return asyncio.run(_Run(url, webhooks, rate, progress).run(connections))


class _Run:
    def __init__(self, url: str, webhooks: Iterable[Webhook], rate: float, progress: Progress) -> None:
        self._url = urlsplit(url)
        self._webhooks: Iterator[tuple[int, Webhook]] = enumerate(webhooks)
        self._interval = 1 / rate
        self._progress = progress
        self._posted = Posted()
        self._started = 0.0

    async def run(self, connections: int) -> Posted:
        self._started = time.perf_counter()
        await asyncio.gather(*(self._lane() for _ in range(connections)))
        self._posted.seconds = time.perf_counter() - self._started
        return self._posted

    async def _lane(self) -> None:
        """One connection: take the next webhook, wait until it is due, post it."""
        stream: _Stream | None = None
        for number, webhook in self._webhooks:
            due = self._started + number * self._interval
            await asyncio.sleep(due - time.perf_counter())
            self._posted.sent += 1
            self._posted.sent_keys.update(webhook.keys)
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    if stream is None or stream[0].at_eof():  # servers close what was idle for long
                        _close(stream)
                        stream = await self._connect()
                    status, stream = await self._post(stream, webhook)
            except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                _close(stream)
                status, stream = NO_ANSWER, None
            self._record(webhook, status, due)
        _close(stream)

    def _record(self, webhook: Webhook, status: str, due: float) -> None:
        self._posted.answers[status] += 1
        if status != NO_ANSWER:
            self._posted.latencies.append((time.perf_counter() - due) * 1000)
        if status == "200":
            self._posted.acknowledged.update(webhook.keys)
        self._progress(1)

    async def _connect(self) -> _Stream:
        is_tls = self._url.scheme == "https"
        port = self._url.port or (443 if is_tls else 80)
        context = ssl.create_default_context() if is_tls else None
        return await asyncio.open_connection(self._url.hostname, port, ssl=context)

    async def _post(self, stream: _Stream, webhook: Webhook) -> tuple[str, _Stream | None]:
        """The answer's status, and the connection if it may be used again."""
        reader, writer = stream
        writer.write(self._head(webhook) + webhook.body)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = _content_length(head)
        if length is None or b"connection: close" in head:
            _close(stream)
            return _status(head), None
        await reader.readexactly(length)
        return _status(head), stream

    def _head(self, webhook: Webhook) -> bytes:
        return (
            f"POST {self._url.path or '/'} HTTP/1.1\r\nHost: {self._url.netloc}\r\nUser-Agent: facebookexternalua\r\n"
            f"Content-Type: application/json\r\nX-Hub-Signature-256: {webhook.signature}\r\n"
            f"Content-Length: {len(webhook.body)}\r\n\r\n"
        ).encode()


def _close(stream: _Stream | None) -> None:
    if stream is not None:
        stream[1].close()


def _status(head: bytes) -> str:
    return str(int(head[9:12]))


def _content_length(head: bytes) -> int | None:
    for line in head.split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return None

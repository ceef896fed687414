"""Posting webhooks as Meta does: on several connections at once, again and again until the answer is 200."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.load.bodies import Webhook
from tests.load.connection import Connection, raw_request
from tests.load.gateway import Gateway

PATH = "/webhook/whatsapp"
AGAIN_SECONDS = 0.1


@dataclass
class Acks:
    """What was answered: the webhooks acknowledged with 200, and every other answer or break, counted."""

    acknowledged: list[Webhook] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    slowest: float = 0.0

    def add(self, webhook: Webhook, status: int | None, seconds: float) -> None:
        """Record one try; `status` is None when no whole answer came."""
        self.slowest = max(self.slowest, seconds)
        if status == 200:
            self.acknowledged.append(webhook)
        else:
            name = str(status or "no answer")
            self.refused[name] = self.refused.get(name, 0) + 1

    @property
    def messages(self) -> set[str]:
        """The wamids of every acknowledged message."""
        return {wamid for webhook in self.acknowledged for wamid in webhook.messages}

    @property
    def statuses(self) -> set[tuple[str, str]]:
        """The (wamid, status) of every acknowledged status."""
        return {key for webhook in self.acknowledged for key in webhook.statuses}


class Senders:
    """Threads that post a stream of webhooks, each one again and again until it is acknowledged."""

    def __init__(self, gateway: Gateway, webhooks: Iterable[Webhook], threads: int = 8) -> None:
        self.gateway = gateway
        self.acks = Acks()
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[Webhook] = queue.SimpleQueue()
        for webhook in webhooks:
            self._queue.put(webhook)
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def start(self) -> None:
        """Begin to post."""
        for thread in self._threads:
            thread.start()

    def wait(self, seconds: float) -> Acks:
        """Wait until everything is posted, or the time is over, and stop."""
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self.stopped.set()
        for thread in self._threads:
            thread.join(15)
        return self.acks

    def wait_for(self, acknowledged: int, seconds: float = 60.0) -> None:
        """Return once so many were acknowledged, everything was posted, or the time is over."""
        until = time.monotonic() + seconds
        while len(self.acks.acknowledged) < acknowledged and time.monotonic() < until:
            if not any(thread.is_alive() for thread in self._threads):
                return
            time.sleep(0.01)

    def _run(self) -> None:
        connection = Connection(("127.0.0.1", self.gateway.port))
        while not self.stopped.is_set():
            try:
                webhook = self._queue.get_nowait()
            except queue.Empty:
                break
            request = raw_request(self.gateway.url + PATH, webhook)
            while self._post(connection, webhook, request) != 200 and not self.stopped.wait(AGAIN_SECONDS):
                pass
        connection.close()

    def _post(self, connection: Connection, webhook: Webhook, request: bytes) -> int | None:
        started = time.monotonic()
        status: int | None = None
        try:
            connection.post(request, started)
            status = connection.whole_answer()
        except OSError:
            connection.close()
        with self._lock:
            self.acks.add(webhook, status, time.monotonic() - started)
        return status


def post_all(gateway: Gateway, webhooks: Iterable[Webhook], *, threads: int = 8, seconds: float = 60.0) -> Acks:
    """Post every webhook until each is acknowledged."""
    senders = Senders(gateway, webhooks, threads)
    senders.start()
    return senders.wait(seconds)

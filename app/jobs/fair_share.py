"""Fair scheduling: divide the worker's threads between endpoints, so that a slow endpoint does not delay the others."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from app.domain.endpoints import Endpoint
from app.services.delivering import DeliveryBatch, DeliveryResult

QUICK_SECONDS = 0.5
PREFETCH = 3
"""Deliveries claimed in advance, per thread, for an endpoint that answers within `QUICK_SECONDS`."""

GROWTH = 8
"""How many times its share of the threads an endpoint may have running that needs no thread to wait for it."""

SLOWER_SECONDS = 0.1
"""An app that takes twice its best time and this much longer is busy: it does not get more at once, but less."""

BEST_SECONDS = 10.0
"""The best time of an app is that of the last ten to twenty seconds: one that answered once in a millisecond, because
it did not care for that event, is not busy for ever after. It is asked for half as much at once when the time begins
anew, so that a crowded app shows what it can do."""

REPLAY_DIVISOR = 4
"""Replays of an endpoint get a quarter of the threads of its new events, in addition to those."""


@dataclass(slots=True)
class EndpointSlots:
    """The claimed deliveries of one endpoint, either its new events or its replays, and how many may run at once.

    `limit` is the number of deliveries that may run at once, and `threads` that of the threads which serve this object
    now. `running` are by the id of their claim. Not thread-safe: `InFlight` locks around every use.
    """

    queued: deque[DeliveryBatch] = field(default_factory=deque)
    running: dict[int, DeliveryBatch] = field(default_factory=dict)
    threads: int = 0
    limit: int = 1
    extra: int = 0
    best_seconds: float = float("inf")
    best_before: float = float("inf")
    best_since: float = field(default_factory=time.monotonic)
    last_seconds: float = QUICK_SECONDS
    tokens: float = 1.0
    filled_at: float = 0.0

    @property
    def in_flight(self) -> int:
        """Deliveries that are claimed and have no result yet."""
        return len(self.queued) + len(self.running)

    @property
    def missing_threads(self) -> int:
        """How many more threads should be started for the queued deliveries."""
        return max(0, min(self.limit, self.in_flight) - self.threads)

    def capacity(self, endpoint: Endpoint, share: int, *, may_grow: bool = False) -> int:
        """Set the limit of deliveries at once, and return how many more deliveries may be claimed.

        With `may_grow` the limit is above the share for as long as the app answers as fast as it does with less.
        """
        self.limit = share
        if may_grow:
            self.limit = min(share + self.extra, share * GROWTH, endpoint.max_in_flight or share * GROWTH)
        self.extra = self.limit - share  # what was earned beyond the bound would delay the way back
        prefetch = PREFETCH if self.last_seconds < QUICK_SECONDS and not endpoint.health.silences else 0
        capacity = self.limit + share * prefetch - self.in_flight
        if endpoint.max_per_second is not None:
            capacity = min(capacity, self.limit - self.in_flight, self._tokens(endpoint.max_per_second))
        return max(0, capacity)

    def drain(self) -> list[DeliveryBatch]:
        """Remove and return the queued deliveries."""
        drained = list(self.queued)
        self.queued.clear()
        return drained

    def note(self, result: DeliveryResult | None) -> None:
        """Remember the response time. After a failure, count the endpoint as slow, so that nothing is prefetched."""
        response = result.response if result is not None else None
        if response is None or not response.is_success:
            self.last_seconds, self.extra = QUICK_SECONDS, 0
            return
        self.last_seconds = response.seconds
        if time.monotonic() - self.best_since > BEST_SECONDS:
            self.best_before, self.best_seconds, self.best_since = self.best_seconds, float("inf"), time.monotonic()
            self.extra //= 2
        self.best_seconds = min(self.best_seconds, response.seconds)
        if response.seconds > 2 * min(self.best_seconds, self.best_before) + SLOWER_SECONDS:
            self.extra = self.extra * 9 // 10
        elif len(self.running) + 1 >= self.limit:
            self.extra += 1

    def spend(self, count: int) -> None:
        """Take tokens of `max_per_second` for this many claimed deliveries."""
        self.tokens -= count

    def _tokens(self, per_second: int) -> int:
        """Refill the token bucket, which holds a tenth of a second's tokens, and return its whole tokens."""
        now = time.monotonic()
        bucket_size = max(1.0, per_second / 10)
        self.tokens = min(bucket_size, self.tokens + (now - self.filled_at) * per_second)
        self.filled_at = now
        return int(self.tokens)


def fair_share(endpoint: Endpoint, threads: int, endpoints: int, *, is_replay: bool) -> int:
    """Return how many deliveries of an endpoint may run at once, at least one.

    `threads` are those of this worker, `endpoints` is the number of endpoints among which they are divided.
    """
    share = max(1, threads // max(1, endpoints))
    if endpoint.max_in_flight is not None:
        share = min(share, endpoint.max_in_flight)
    return max(1, share // REPLAY_DIVISOR) if is_replay else share

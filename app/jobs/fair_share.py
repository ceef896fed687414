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

REPLAY_DIVISOR = 4
"""Replays of an endpoint get a quarter of the threads of its new events, in addition to those."""


@dataclass(slots=True)
class EndpointSlots:
    """The claimed deliveries of one endpoint, either its new events or its replays, and how many may run at once.

    `limit` is the number of deliveries that may run at once, and `threads` that of the threads which serve this object
    now. Not thread-safe: `InFlight` locks around every use.
    """

    queued: deque[DeliveryBatch] = field(default_factory=deque)
    running: list[DeliveryBatch] = field(default_factory=list)
    threads: int = 0
    limit: int = 1
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

    def capacity(self, endpoint: Endpoint, limit: int) -> int:
        """Set the limit of deliveries at once, and return how many more deliveries may be claimed."""
        self.limit = limit
        prefetch = PREFETCH if self.last_seconds < QUICK_SECONDS and not endpoint.health.silences else 0
        capacity = limit * (1 + prefetch) - self.in_flight
        if endpoint.max_per_second is not None:
            capacity = min(capacity, limit - self.in_flight, self._tokens(endpoint.max_per_second))
        return max(0, capacity)

    def drain(self) -> list[DeliveryBatch]:
        """Remove and return the queued deliveries."""
        drained = list(self.queued)
        self.queued.clear()
        return drained

    def note(self, result: DeliveryResult | None) -> None:
        """Remember the response time. After a failure, count the endpoint as slow, so that nothing is prefetched."""
        response = result.response if result is not None else None
        self.last_seconds = response.seconds if response is not None and response.is_success else QUICK_SECONDS

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

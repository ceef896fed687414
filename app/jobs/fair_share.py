"""How the worker's threads are shared between endpoints, so that a slow one never takes what is another's."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from app.domain.endpoints import Endpoint
from app.services.delivering.types import Tried, Work

QUICK_SECONDS = 0.5
AHEAD = 3
"""How many more deliveries than threads a quick endpoint has in hand, so that no thread waits for the next look."""

REPLAY_SHARE = 4
"""Replays get a fourth of what an endpoint has for what is new, and beside it."""


@dataclass(slots=True)
class Desk:
    """What is in hand for one endpoint, in one of its two lanes."""

    waiting: deque[Work] = field(default_factory=deque)
    trying: list[Work] = field(default_factory=list)
    threads: int = 0
    share: int = 1
    last_seconds: float = QUICK_SECONDS
    tokens: float = 1.0
    filled_at: float = 0.0

    @property
    def in_hand(self) -> int:
        """Deliveries that were claimed and are not done with."""
        return len(self.waiting) + len(self.trying)

    @property
    def wanted_threads(self) -> int:
        """How many more threads may take something from here; those that are about to do so are counted."""
        return max(0, min(self.share - self.threads, len(self.waiting) + len(self.trying) - self.threads))

    def room(self, endpoint: Endpoint, share: int) -> int:
        """How many more may be claimed."""
        self.share = share
        ahead = AHEAD if self.last_seconds < QUICK_SECONDS and not endpoint.health.silences else 0
        room = share * (1 + ahead) - self.in_hand
        if endpoint.max_per_second is not None:
            room = min(room, share - self.in_hand, self._allowed(endpoint.max_per_second))
        return max(0, room)

    def clear(self) -> list[Work]:
        """Take away what waits, and return it."""
        taken = list(self.waiting)
        self.waiting.clear()
        return taken

    def note(self, tried: Tried | None) -> None:
        """See how quick the endpoint was; one that fails is to have no more in hand than it must."""
        answer = tried.answer if tried is not None else None
        self.last_seconds = answer.seconds if answer is not None and answer.is_success else QUICK_SECONDS

    def spend(self, count: int) -> None:
        """Note that so many were claimed."""
        self.tokens -= count

    def _allowed(self, per_second: int) -> int:
        now = time.monotonic()
        most = max(1.0, per_second / 10)
        self.tokens = min(most, self.tokens + (now - self.filled_at) * per_second)
        self.filled_at = now
        return int(self.tokens)


def share_of(endpoint: Endpoint, threads: int, endpoints: int, *, is_replay: bool) -> int:
    """How many deliveries of an endpoint may be under way at once."""
    share = max(1, threads // max(1, endpoints))
    if endpoint.max_in_flight is not None:
        share = min(share, endpoint.max_in_flight)
    return max(1, share // REPLAY_SHARE) if is_replay else share

"""One delivery in hand, from its claim to what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain.endpoints import Endpoint
from app.models import Event
from app.store.deliveries import Claim
from app.subscribers.client import Answer


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed delivery with everything needed to try it. The event is None when it was deleted meanwhile.

    For Meta's format also `raw`, the notification that it was read from, and what the caller attached to the message.
    """

    claim: Claim
    endpoint: Endpoint
    event: Event | None
    raw: bytes | None = None
    callback_data: str | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """A delivery after its try; without an answer it was not posted, for the reason given."""

    work: Work
    started_at: datetime
    answer: Answer | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many deliveries of an endpoint may be claimed now."""

    endpoint: Endpoint
    is_replay: bool
    limit: int
    is_probe: bool = False

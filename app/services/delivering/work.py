"""One delivery in hand, from its claim to what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.endpoints import Endpoint
from app.models import Event
from app.store.deliveries import Claim
from app.subscribers.client import Answer

STALE = "stale: older than the endpoint's max_age_seconds"
GONE = "the event was deleted"
WITHHELD = "a person answers the contact, so no bot is woken"


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

    def is_stale(self, now: datetime) -> bool:
        """Whether the event is too old for the endpoint. Who asks for a replay wants it whatever its age."""
        most = self.endpoint.max_age_seconds
        if most is None or self.event is None or self.claim.is_replay:
            return False
        return now - self.event.timestamp > timedelta(seconds=most)


@dataclass(frozen=True, slots=True)
class Tried:
    """A delivery after its try; without an answer it was not posted, for the reason given.

    Without a reason either it was not tried at all, and whoever can may take it.
    """

    work: Work
    started_at: datetime
    answer: Answer | None = None
    reason: str | None = None

    @property
    def is_given_back(self) -> bool:
        """Whether it stays as it was."""
        return self.answer is None and self.reason is None


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many deliveries of an endpoint may be claimed now."""

    endpoint: Endpoint
    is_replay: bool
    limit: int
    is_probe: bool = False

"""One delivery in hand, from its claim to what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.domain.endpoints import Endpoint
from app.models import Event
from app.store.deliveries import Claim
from app.subscribers.client import Answer

STALE = "stale: older than the endpoint's max_age_seconds"
GONE = "the event was deleted"
WITHHELD = "a person answers the contact, so no bot is woken"
TAKEN_BACK = "the message was taken back, so no bot is woken"


@dataclass(frozen=True, slots=True)
class Part:
    """One of the deliveries that go as one POST. The event is None when it was deleted meanwhile.

    `callback_data`, for Meta's format, is what the caller attached to the message.
    """

    claim: Claim
    event: Event | None
    callback_data: str | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed delivery with everything needed to try it, and the `others` that it carries.

    For Meta's format also `raw`, the notification that it was read from. `request_id` is that of its webhook.
    """

    claim: Claim
    endpoint: Endpoint
    event: Event | None
    raw: bytes | None = None
    callback_data: str | None = None
    others: tuple[Part, ...] = ()
    request_id: str = ""

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every delivery of this POST, in order."""
        return Part(self.claim, self.event, self.callback_data), *self.others

    def is_stale(self, now: datetime) -> bool:
        """Whether the event is too old for the endpoint. Who asks for a replay wants it whatever its age."""
        return self.event is not None and self.is_too_old(self.event, now)

    def is_too_old(self, event: Event, now: datetime) -> bool:
        """The same of any event of it."""
        most = self.endpoint.max_age_seconds
        return most is not None and not self.claim.is_replay and now - event.timestamp > timedelta(seconds=most)


@dataclass(frozen=True, slots=True)
class Tried:
    """A delivery after its try; without an answer it was not posted, for the reason given.

    `left_out` are the parts, by their ids, that were not posted with the rest, and why. `note` says why an answer that
    was taken is not sent to the customer, if it is not.
    Without a reason either it was not tried at all, and whoever can may take it.
    """

    work: Work
    started_at: datetime
    answer: Answer | None = None
    reason: str | None = None
    left_out: Mapping[int, str] = field(default_factory=dict)
    note: str | None = None

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

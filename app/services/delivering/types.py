"""The values that the stages of a delivery pass on: request to claim, due deliveries, batch, result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from app.domain.endpoints import Endpoint
from app.store.deliveries import DeliveryClaim
from app.store.delivery_order import Blocked
from app.store.events import StoredEvent
from app.subscribers.client import EndpointResponse

STALE = "stale: older than the endpoint's max_age_seconds"
GONE = "the event was deleted"
WITHHELD = "a person answers the contact, so no bot is woken"
REVOKED = "the message was taken back, so no bot is woken"


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """How many deliveries of an endpoint may be claimed now: of its new events, or of replays.

    `is_probe` is true for a single delivery that tests an endpoint whose breaker's pause is over; `limit` is then 1.
    """

    endpoint: Endpoint
    is_replay: bool
    limit: int
    is_probe: bool = False


@dataclass(slots=True)
class DueDeliveries:
    """The due deliveries found for a `ClaimRequest`, as ids.

    `single` are to be posted alone. Each of `batches` is to be posted in one request, its leader first. `blocked` wait
    for an earlier delivery. `deferred` wait for a time: that of the last message of a burst, or of a notification that
    is not fully processed.
    """

    request: ClaimRequest
    single: list[int] = field(default_factory=list)
    batches: list[list[int]] = field(default_factory=list)
    blocked: dict[int, Blocked] = field(default_factory=dict)
    deferred: dict[int, datetime] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.single or self.batches or self.blocked or self.deferred)


@dataclass(frozen=True, slots=True)
class BatchMember:
    """One delivery of a batch. `event` is None when it was deleted after it was enqueued.

    `callback_data` is what the caller attached to the outbound message, for Meta's format.
    """

    claim: DeliveryClaim
    event: StoredEvent | None
    callback_data: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryBatch:
    """The claimed deliveries that go to an endpoint in one request, leader first. Mostly it is a single delivery.

    `raw` is the body of Meta's notification that the events come from, for Meta's format. `request_id` is that of the
    webhook request.
    """

    endpoint: Endpoint
    members: tuple[BatchMember, ...]
    raw: bytes | None = None
    request_id: str = ""

    @property
    def claim(self) -> DeliveryClaim:
        """The claim of the leader. The database stores no claims of the other members."""
        return self.members[0].claim

    @property
    def event(self) -> StoredEvent | None:
        """The event of the leader."""
        return self.members[0].event

    def is_too_old(self, event: StoredEvent, now: datetime) -> bool:
        """Whether an event is older than the endpoint's `max_age_seconds`. A replayed event never is."""
        max_age = self.endpoint.max_age_seconds
        return max_age is not None and not self.claim.is_replay and now - event.timestamp > timedelta(seconds=max_age)


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The result of dispatching a batch: a response, or the reason why nothing was posted.

    With neither, the batch was not attempted, and its claims are released. `skipped` gives reasons by delivery id for
    members that were not posted with the rest. `note` is why the messages of a response were not, or not all, sent to
    the customer.
    """

    batch: DeliveryBatch
    started_at: datetime
    response: EndpointResponse | None = None
    reason: str | None = None
    skipped: Mapping[int, str] = field(default_factory=dict)
    note: str | None = None

    @property
    def was_attempted(self) -> bool:
        """Whether there is a result to record."""
        return self.response is not None or self.reason is not None

    @property
    def is_success(self) -> bool:
        """Whether the endpoint answered with a 2xx."""
        return self.response is not None and self.response.is_success


class Dispatch(Protocol):
    """Attempts batches: each call waits for its result, or, where `can_begin` is true, `begin` does not wait."""

    def __call__(self, batch: DeliveryBatch) -> DeliveryResult:
        """Attempt a batch once."""

    def can_begin(self, endpoint: Endpoint) -> bool:
        """Whether `begin` may be used for this endpoint."""

    def begin(self, batch: DeliveryBatch, done: Callable[[DeliveryResult], None]) -> DeliveryResult | None:
        """Begin an attempt, and return None; or return the result, if nothing is to be posted."""

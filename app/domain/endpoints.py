"""The user's apps and Python handlers, with what deliveries need to know about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from app.domain.breaker import Health

OF_THE_SETTINGS = "settings"
"""The id of the endpoint that `FORWARD_URL` makes."""


class Format(StrEnum):
    """The format of a delivery: our events signed as Standard Webhooks, Meta's own notifications, or a handler call.

    A Python handler gets no POST; the worker calls it.
    """

    EVENT = "event"
    META = "meta"
    HANDLER = "handler"


class State(StrEnum):
    """The state of a delivery. All but the first are final."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    STALE = "stale"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True, repr=False)
class Endpoint:
    """One of the user's apps, or a Python handler, whose `url` is its name.

    It has no useful `repr`, because it holds the secrets, of which the first is in force. `types`, `statuses`,
    `message_types` and `numbers` filter events; None matches all. `split` may be False for Meta's format only: then
    everything in one notification about one number is one POST.
    """

    id: str
    url: str
    format: Format
    secrets: tuple[str, ...]
    ordered: bool = True
    replies: bool = False
    is_open: bool = True
    types: tuple[str, ...] | None = None
    statuses: tuple[str, ...] | None = None
    message_types: tuple[str, ...] | None = None
    numbers: tuple[str, ...] | None = None
    max_age_seconds: int | None = None
    max_per_second: int | None = None
    max_in_flight: int | None = None
    debounce_seconds: int | None = None
    batch: int | None = None
    split: bool = True
    health: Health = Health()

    @property
    def is_bot(self) -> bool:
        """Return whether the endpoint may answer messages by itself, so that it gets none while a person answers."""
        return self.replies or self.is_handler

    @property
    def is_handler(self) -> bool:
        """Return whether the endpoint is a Python handler."""
        return self.format is Format.HANDLER

    @property
    def gathers(self) -> bool:
        """Return whether one POST may hold several events."""
        return self.batch is not None or self.debounce_seconds is not None or not self.split

    def is_as(self, other: Endpoint) -> bool:
        """Return whether the other is the same endpoint with the same settings, whatever the health of both."""
        return replace(self, health=other.health) == other

    def wants(self, type: str) -> bool:
        """Return whether the filter `types` matches this type of event. The other filters are not checked here."""
        return self.types is None or any(_covers(wanted, type) for wanted in self.types)


def _covers(wanted: str, type: str) -> bool:
    return type.startswith(wanted[:-1]) if wanted.endswith("*") else type == wanted

"""The user's apps and Python handlers, as deliveries need to know them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from app.domain.breaker import Health

OF_THE_SETTINGS = "settings"
"""The id of the endpoint that `FORWARD_URL` makes."""


class Format(StrEnum):
    """What is posted: our events, signed as Standard Webhooks, or Meta's own notifications.

    Or nothing is: a Python handler is called by the worker.
    """

    EVENT = "event"
    META = "meta"
    HANDLER = "handler"


class State(StrEnum):
    """How a delivery stands. All but the first are final."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    STALE = "stale"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True, repr=False)
class Endpoint:
    """One of the user's apps, or a handler, whose `url` is its name.

    Has no useful `repr`, because it holds the secrets, the one in force first. `types`, `statuses`, `message_types` and
    `numbers` narrow what it wants; None wants all. `split` is false only for Meta's format: then what one notification
    of Meta's said of one number is one POST.
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
        """Whether a message that it is told of may be answered by itself, and so must not be while a person answers."""
        return self.replies or self.is_handler

    @property
    def is_handler(self) -> bool:
        """Whether it is a function of the user's, and no app."""
        return self.format is Format.HANDLER

    @property
    def gathers(self) -> bool:
        """Whether one POST may tell it of several events."""
        return self.batch is not None or self.debounce_seconds is not None or not self.split

    def is_as(self, other: Endpoint) -> bool:
        """Whether the other is the same endpoint, unchanged but for how it has been doing."""
        return replace(self, health=other.health) == other

    def wants(self, type: str) -> bool:
        """Whether an event of this type is for the endpoint; what it must be about is another matter."""
        return self.types is None or any(_covers(wanted, type) for wanted in self.types)


def _covers(wanted: str, type: str) -> bool:
    return type.startswith(wanted[:-1]) if wanted.endswith("*") else type == wanted

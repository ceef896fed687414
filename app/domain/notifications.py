"""The facts that are read from Meta's webhook bodies.

A notification holds entries, entries hold changes, and changes hold messages, statuses and errors. Reading makes a flat
list of `Item`s of it, each with one fact. The tallies count items: each ends as processed, duplicate, parked or
quarantined, and none is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Union

Json = dict[str, Any]


class Source(StrEnum):
    """How a message reached the gateway. Handlers and bots are called only for `live` inbound messages."""

    LIVE = "live"
    ECHO = "echo"
    HISTORY = "history"
    STANDBY = "standby"


@dataclass(frozen=True, slots=True)
class Person:
    """A WhatsApp user as one payload names them. Every field may be missing, but not all of the first three.

    `name` is the user's profile name, `given_name` the name in the business's address book.
    """

    wa_id: str | None = None
    user_id: str | None = None
    parent_user_id: str | None = None
    username: str | None = None
    name: str | None = None
    given_name: str | None = None

    @property
    def is_known(self) -> bool:
        """Return whether any field identifies a person."""
        return bool(self.wa_id or self.user_id or self.parent_user_id)


@dataclass(frozen=True, slots=True)
class MediaRef:
    """A file at Meta that came with a message: it is fetched by `meta_id`, or from `url` until that expires."""

    meta_id: str | None
    url: str | None = None
    mime_type: str | None = None
    sha256: str | None = None
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class MessageFact:
    """A message by the customer, or by the business (an echo, or history).

    `content` is an object, or a list for `contacts`; for an unknown type it may be any JSON. If `media` is set, the
    file's `media_id` and `url` are added to `content` when the message is stored. In `context`, `id`, `callback_data`
    and `template` are null until the quoted message (`message_id`, a wamid) is found in the database. `person` may be
    unknown only in a group.
    """

    wamid: str
    direction: str
    timestamp: datetime
    message_type: str
    message: str
    content: Any
    person: Person
    source: Source = Source.LIVE
    context: Json | None = None
    referral: Json | None = None
    group_id: str | None = None
    error: Json | None = None
    status: str = "received"
    media: MediaRef | None = None


@dataclass(frozen=True, slots=True)
class StatusFact:
    """Meta's status report on a message of ours. `person` may be unknown, because the wamid identifies the message.

    Reports on a payment have statuses of their own (`payment_captured` and others), so that they are not taken for the
    delivery status of the message.
    """

    wamid: str
    status: str
    timestamp: datetime
    person: Person
    recipient_id: str | None = None
    participant: str = ""
    group_id: str | None = None
    error: Json | None = None
    pricing: Json | None = None
    callback_data: str | None = None
    source: Source = Source.LIVE


@dataclass(frozen=True, slots=True)
class EditFact:
    """The sender edited or revoked a message that may be in the database."""

    wamid: str
    original_wamid: str
    timestamp: datetime
    person: Person
    revoked: bool
    message: MessageFact | None = None
    source: Source = Source.LIVE


@dataclass(frozen=True, slots=True)
class ContactFact:
    """Two ids turned out to be one person, or a person's name or consent changed.

    `reason` is one of `changed_number`, `changed_user_id`, `identity_changed`, `synced`, `removed`, or Meta's own word.
    `key` recognises repeated notifications.
    """

    person: Person
    reason: str
    timestamp: datetime
    previous: Person | None = None
    value: Json = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True, slots=True)
class PreferenceFact:
    """The customer opted out of marketing messages, or opted in again. `key` recognises repeated notifications."""

    person: Person
    category: str
    value: str
    timestamp: datetime
    detail: str | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class ChangeFact:
    """Any other change: calls, groups, account events, and unknown fields. Meta's JSON is kept unchanged.

    `event` is the event's type: `call`, `group`, `account.<field>` or `unknown`. `key` recognises repeats.
    `opens_window`: the customer acted, so the 24-hour window is open.
    """

    event: str
    value: Json
    key: str
    person: Person | None = None
    timestamp: datetime | None = None
    opens_window: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item that could not be read. It is parked with this reason; the other items are processed."""

    reason: str
    value: Any = None


Fact = Union[MessageFact, StatusFact, EditFact, ContactFact, PreferenceFact, ChangeFact, Unreadable]


@dataclass(frozen=True, slots=True)
class Item:
    """One fact, and its position in the notification.

    A fact with a time in the future, by a wrong clock of Meta's or of a phone, gets the time at which it was received;
    `told_at` is then the time in the notification.
    """

    position: int
    field: str
    fact: Fact
    waba_id: str | None = None
    phone_number_id: str | None = None
    display_phone_number: str | None = None
    told_at: datetime | None = None

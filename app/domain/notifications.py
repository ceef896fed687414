"""What can be read from one of Meta's webhook bodies.

A notification holds entries, entries hold changes, changes hold messages, statuses and errors. Read, it is a flat
list of `Item`s, each carrying one *fact*. Items are what the gateway counts: each ends as processed, duplicate,
parked or quarantined, and none disappears.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Union

Json = dict[str, Any]


class Source(StrEnum):
    """How a message came to us. Only a `live` inbound message may wake a bot."""

    LIVE = "live"
    ECHO = "echo"
    HISTORY = "history"
    STANDBY = "standby"


@dataclass(frozen=True, slots=True)
class Person:
    """A WhatsApp user as one payload names them: every field may be missing, but not all of the first three.

    `name` is the person's own, `given_name` that in the business's address book.
    """

    wa_id: str | None = None
    user_id: str | None = None
    parent_user_id: str | None = None
    username: str | None = None
    name: str | None = None
    given_name: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether anything here identifies a person."""
        return bool(self.wa_id or self.user_id or self.parent_user_id)


@dataclass(frozen=True, slots=True)
class MediaRef:
    """A file at Meta that came with a message: fetched by `meta_id`, or at `url` while that is fresh."""

    meta_id: str | None
    url: str | None = None
    mime_type: str | None = None
    sha256: str | None = None
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class MessageFact:
    """A message, written by the customer or (an echo, or history) by the business.

    `content` is an object, or a list for `contacts`, and may be anything for a type that is new to us. When `media` is
    set, `content` has Meta's `media_id` and our `url`. `context` has `id`, `callback_data` and
    `template` as null until the quoted message (`message_id`, a wamid) has been looked up. `person` may be unknown
    only in a group.
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
    """Meta's report on a message we sent. `person` may be unknown: the wamid alone names the message.

    Reports on a payment have statuses of their own, `payment_captured` and the like, so that none is mistaken for what
    became of the message.
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
    """The sender changed, or took back, a message that we may hold."""

    wamid: str
    original_wamid: str
    timestamp: datetime
    person: Person
    revoked: bool
    message: MessageFact | None = None
    source: Source = Source.LIVE


@dataclass(frozen=True, slots=True)
class ContactFact:
    """Two names turned out to be one person, or a person's name or wish changed.

    `reason` is one of `changed_number`, `changed_user_id`, `identity_changed`, `synced`, `removed`, or Meta's own word.
    `key` tells repeats apart.
    """

    person: Person
    reason: str
    timestamp: datetime
    previous: Person | None = None
    value: Json = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True, slots=True)
class PreferenceFact:
    """The customer stopped, or resumed, marketing messages. `key` tells repeats apart."""

    person: Person
    category: str
    value: str
    timestamp: datetime
    detail: str | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class ChangeFact:
    """Anything else: calls, groups, account news, and what is new to us. Meta's JSON is kept as it came.

    `event` is the event's type: `call`, `group`, `account.<field>` or `unknown`; `key` tells repeats apart.
    `opens_window`: the customer did it, and may be written to for a day.
    """

    event: str
    value: Json
    key: str
    person: Person | None = None
    timestamp: datetime | None = None
    opens_window: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item that broke our reading of it. It is parked with this reason; its neighbours go on."""

    reason: str
    value: Any = None


Fact = Union[MessageFact, StatusFact, EditFact, ContactFact, PreferenceFact, ChangeFact, Unreadable]


@dataclass(frozen=True, slots=True)
class Item:
    """One fact and where in its notification it stood.

    Nothing has happened in the future, whatever Meta's or a phone's clock says: such a fact has the time at which it
    was received, and `told_at` is the time that it came with.
    """

    position: int
    field: str
    fact: Fact
    waba_id: str | None = None
    phone_number_id: str | None = None
    display_phone_number: str | None = None
    told_at: datetime | None = None

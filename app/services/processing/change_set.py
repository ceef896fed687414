"""What a chunk is to change: the rows that are worked out before the write lock is taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app.domain.messages import Message, Revision
from app.services.contacts.identity import ContactBook
from app.services.processing.work import Entry
from app.store.contact_numbers import Handovers, Spoken
from app.store.echoes import OpenTry
from app.store.reports import StatusKey

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """An event that is to be, if what it rests on turns out to be new: a message, what a placeholder stood for, a
    status report, or its own key."""

    entry: Entry
    event: Row
    message_id: str | None = None
    filled_id: str | None = None
    report: StatusKey | None = None


class AgentSpoke(NamedTuple):
    """A person answered a contact on the business's phone: counts only if the message turns out to be new."""

    message_id: str
    contact_id: str
    phone_number_id: str
    at: datetime


@dataclass(slots=True)
class Plan:
    """The rows of one chunk. `names` are wamids to be noted, by message.

    `books` hold the people, by realm. `changes` are what messages say after edits and revocations, `adopted` the
    revisions that waited for a message here, and `known_revisions` the wamids of all that were taken into account.
    """

    books: dict[str, ContactBook]
    now: datetime
    steps: list[Step] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    fills: list[Row] = field(default_factory=list)
    reports: list[Row] = field(default_factory=list)
    moves: dict[str, Row] = field(default_factory=dict)
    pricings: dict[str, Row] = field(default_factory=dict)
    changes: dict[str, Row] = field(default_factory=dict)
    revisions: list[Row] = field(default_factory=list)
    adopted: list[Row] = field(default_factory=list)
    known_revisions: set[str] = field(default_factory=set)
    resolved: list[Row] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    aside: list[Row] = field(default_factory=list)
    spoken: Spoken = field(default_factory=dict)
    agents: list[AgentSpoke] = field(default_factory=list)
    wishes: list[Row] = field(default_factory=list)

    @property
    def has_merged(self) -> bool:
        """Whether two contacts turned out to be one."""
        return any(book.merged for book in self.books.values())

    def current(self, contact_id: str | None) -> str | None:
        """The contact that this one is by now."""
        for book in self.books.values():
            contact_id = book.current(contact_id)
        return contact_id


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows of the chunk's people and messages, the latter by wamid or by our id.

    `outbound` is what we last sent, by contact and number; `handovers` says of the same who answers. `tries` are those
    at sending whose wamid nobody knows yet, as far as an echo here may be of one. `revisions` come with the wamid and
    the number of the message they are about.
    """

    books: dict[str, ContactBook]
    messages: list[tuple[str, Message]]
    outbound: dict[tuple[str, str], Message] = field(default_factory=dict)
    handovers: Handovers = field(default_factory=dict)
    tries: list[OpenTry] = field(default_factory=list)
    revisions: list[tuple[str, str, Revision]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say of messages."""

    opt_out_words: frozenset[str] = frozenset()
    agent_silence: timedelta = timedelta(hours=12)

"""What a chunk is to change, worked out before the write lock is taken."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from app.domain.handover import HandledBy, Handover
from app.domain.messages import ContactRef, Message
from app.domain.notifications import Person
from app.domain.numbers import Directory
from app.ids import new_id
from app.services.processing.people import ContactBook
from app.services.processing.readings import Entry
from app.store.contact_numbers import Handovers, Spoken
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


@dataclass(slots=True)
class Plan:
    """The rows of one chunk."""

    book: ContactBook
    steps: list[Step] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    fills: list[Row] = field(default_factory=list)
    reports: list[Row] = field(default_factory=list)
    moves: dict[str, Row] = field(default_factory=dict)
    pricings: dict[str, Row] = field(default_factory=dict)
    flags: dict[str, Row] = field(default_factory=dict)
    resolved: list[Row] = field(default_factory=list)
    aside: list[Row] = field(default_factory=list)
    spoken: Spoken = field(default_factory=dict)
    handovers: Handovers = field(default_factory=dict)
    wishes: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows of the chunk's people and messages, the latter by wamid or by our id.

    `outbound` is what we last sent, by contact and number; `handovers` says of the same who answers.
    """

    book: ContactBook
    messages: list[tuple[str, Message]]
    outbound: dict[tuple[str, str], Message] = field(default_factory=dict)
    handovers: Handovers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say of messages."""

    opt_out_words: frozenset[str] = frozenset()
    agent_silence: timedelta = timedelta(hours=12)


class Draft:
    """The plan of one chunk while it is being made."""

    def __init__(self, known: Known, directory: Directory, now: datetime, rules: Rules) -> None:
        self.plan = Plan(known.book)
        self.rules = rules
        self._outbound = dict(known.outbound)
        self._handovers = dict(known.handovers)
        self.book = known.book
        self.directory = directory
        self.now = now
        self._messages: dict[str, dict[str, Message]] = {}
        for name, message in known.messages:
            self.remember(name, message)

    def remember(self, name: str, message: Message) -> None:
        """Let `find` know a message by this name, as it is by now."""
        self._messages.setdefault(name, {})[message.id] = message

    def note_outbound(self, contact: ContactRef, message: Message) -> None:
        """Remember what we sent to a contact, if it is the newest."""
        key = (contact.id, message.phone_number_id)
        earlier = self._outbound.get(key)
        if earlier is None or earlier.timestamp <= message.timestamp:
            self._outbound[key] = message

    def last_outbound(self, contact: ContactRef, number: str) -> Message | None:
        """What this number last sent to a contact, or to one that is the same person."""
        if not self.book.merged:
            return self._outbound.get((contact.id, number))
        found = [
            message
            for (contact_id, ours), message in self._outbound.items()
            if ours == number and self.book.current(contact_id) == contact.id
        ]
        return max(found, key=lambda message: message.timestamp, default=None)

    def note_spoken(self, contact: ContactRef | None, number: str | None, at: datetime) -> None:
        """Remember when a contact spoke to a number of ours."""
        if contact is not None and number:
            key = (contact.id, number)
            self.plan.spoken[key] = max(at, self.plan.spoken.get(key, at))

    def note_agent(self, contact: ContactRef, number: str, at: datetime) -> None:
        """Remember that a person answered a contact; in the future, by Meta's clock, nobody has."""
        key = (contact.id, number)
        at = min(at, self.now)
        for handovers in (self.plan.handovers, self._handovers):
            known = handovers.get(key, Handover())
            handovers[key] = replace(known, agent_at=max(at, known.agent_at or at))

    def handled_by(self, contact: ContactRef | None, number: str) -> HandledBy:
        """Who answers a contact on a number of ours."""
        if contact is None:
            return HandledBy.BOT
        if not self.book.merged:
            known = self._handovers.get((contact.id, number), Handover())
            return known.handled_by(self.now, self.rules.agent_silence)
        found = [
            handover.handled_by(self.now, self.rules.agent_silence)
            for (contact_id, ours), handover in self._handovers.items()
            if ours == number and self.book.current(contact_id) == contact.id
        ]
        return HandledBy.HUMAN if HandledBy.HUMAN in found else HandledBy.BOT

    def find(self, entry: Entry, *names: str | None) -> Message | None:
        """The message that an item means by a wamid or by our id, if its signer may speak for the message's number.

        A wamid alone does not tell: a message between two numbers of ours has one, and is there twice.
        """
        number, app = entry.item.phone_number_id, entry.reading.app
        for name in names:
            for message in self._messages.get(name or "", {}).values():
                if message.phone_number_id == (number or message.phone_number_id) and self.directory.vouches(
                    app, message.phone_number_id, None
                ):
                    return message
        return None

    def set_aside(self, entry: Entry, state: str, reason: str) -> None:
        """Keep an item out of the way, with the reason."""
        self.plan.aside.append(
            {
                "notification_id": entry.reading.notification_id,
                "position": entry.item.position,
                "state": state,
                "field": entry.item.field,
                "phone_number_id": entry.item.phone_number_id,
                "reason": reason,
                "created_at": self.now,
            }
        )

    def keyed(self, entry: Entry, kind: str, data: Any, timestamp: datetime, key: str, **more: Any) -> None:
        """Add an event that `key` tells from its repeats."""
        name = key or f"{entry.reading.notification_id}:{entry.item.position}"
        event = self.event(entry, kind, data, timestamp, key=f"{kind}:{name}", **more)
        self.plan.steps.append(Step(entry, event))

    def event(
        self,
        entry: Entry,
        kind: str,
        data: Any,
        timestamp: datetime,
        *,
        key: str | None = None,
        contact_id: str | None = None,
        message_id: str | None = None,
        source: str = "live",
    ) -> Row:
        """An event's row; its place in the contact's order is given when it is written."""
        return {
            "id": new_id(),
            "type": kind,
            "key": key,
            "source": source,
            "phone_number_id": entry.item.phone_number_id,
            "contact_id": contact_id,
            "contact_sequence": None,
            "message_id": message_id,
            "notification_id": entry.reading.notification_id,
            "position": entry.item.position,
            "timestamp": timestamp,
            "received_at": entry.reading.received_at,
            "created_at": self.now,
            "data": json.dumps(data, ensure_ascii=False, separators=(",", ":")),
        }


def address(person: Person) -> str | None:
    """How a person is written in `sender` and `recipient`."""
    return f"+{person.wa_id}" if person.wa_id else person.user_id or person.parent_user_id

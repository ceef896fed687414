"""From items to rows: everything that can be worked out before the write lock is taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.domain import tags
from app.domain.messages import Message
from app.domain.notifications import (
    ChangeFact,
    ContactFact,
    EditFact,
    Fact,
    MessageFact,
    Person,
    PreferenceFact,
    StatusFact,
    Unreadable,
)
from app.domain.numbers import Directory
from app.domain.statuses import advance, movable_to
from app.ids import new_id
from app.schemas.normalized_message import NormalizedMessage
from app.services.processing.people import ContactBook
from app.services.processing.readings import Entry, is_vouched_for
from app.store.messages import StatusKey

Row = dict[str, Any]

normalized = NormalizedMessage().dump


@dataclass(frozen=True, slots=True)
class Step:
    """An event that is to be, if what it rests on turns out to be new: a message, a status report, or its own key."""

    entry: Entry
    event: Row
    message_id: str | None = None
    report: StatusKey | None = None


@dataclass(slots=True)
class Plan:
    """The rows of one chunk."""

    book: ContactBook
    steps: list[Step] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    reports: list[Row] = field(default_factory=list)
    moves: dict[str, Row] = field(default_factory=dict)
    pricings: dict[str, Row] = field(default_factory=dict)
    resolved: list[Row] = field(default_factory=list)
    aside: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows of the chunk's people and messages. `messages` is found by wamid and by our id."""

    book: ContactBook
    messages: dict[str, Message]


def people_of(entry: Entry) -> list[Person | None]:
    """The people an item speaks of."""
    fact = entry.item.fact
    if isinstance(fact, Unreadable):
        return []
    previous = fact.previous if isinstance(fact, ContactFact) else None
    return [fact.person, previous]


def names_of_messages(entries: list[Entry]) -> tuple[set[str], set[str]]:
    """The messages these items speak of: some by wamid, those that carry our tag by our id."""
    wamids, ids = set(), set()
    for entry in entries:
        fact = entry.item.fact
        if isinstance(fact, EditFact):
            wamids.add(fact.original_wamid)
        elif isinstance(fact, StatusFact):
            tag = tags.read(fact.callback_data)
            if tag:
                ids.add(tag[0])
            else:
                wamids.add(fact.wamid)
    return wamids, ids


class Planner:
    """Builds the plan of one chunk."""

    def __init__(self, known: Known, directory: Directory, now: datetime) -> None:
        self._plan = Plan(known.book)
        self._messages = dict(known.messages)
        self._directory = directory
        self._now = now

    def plan(self, entries: list[Entry]) -> Plan:
        """Rows for all entries, in their order."""
        for entry in entries:
            if isinstance(entry.item.fact, Unreadable):
                self.set_aside(entry, "parked", entry.item.fact.reason)
            elif not is_vouched_for(entry, self._directory):
                self.set_aside(entry, "quarantined", "signed by an app that this number does not belong to")
            else:
                _HANDLERS[type(entry.item.fact)](self, entry, entry.item.fact)
        return self._plan

    def set_aside(self, entry: Entry, state: str, reason: str) -> None:
        """Keep an item out of the way, with the reason."""
        self._plan.aside.append(
            {
                "notification_id": entry.reading.notification_id,
                "position": entry.item.position,
                "state": state,
                "field": entry.item.field,
                "phone_number_id": entry.item.phone_number_id,
                "reason": reason,
                "created_at": self._now,
            }
        )

    def message(self, entry: Entry, fact: MessageFact) -> None:
        """A message: a row, and the event that tells of it."""
        item, contact = entry.item, self._plan.book.get(fact.person)
        them = fact.group_id if contact is None else _address(fact.person)
        us = f"+{item.display_phone_number}" if item.display_phone_number else None
        inbound = fact.direction == "inbound"
        message = Message(
            sender=them if inbound else us,
            recipient=us if inbound else them,
            message=fact.message,
            timestamp=fact.timestamp,
            message_id=fact.wamid,
            message_type=fact.message_type,
            id=new_id(),
            direction=fact.direction,
            phone_number_id=item.phone_number_id or "",
            contact=contact,
            content=fact.content,
            status=fact.status,
            source=fact.source,
            received_at=entry.reading.received_at,
            context=fact.context,
            referral=fact.referral,
            group_id=fact.group_id,
            error=fact.error,
            flags=[] if self._directory.find(item.phone_number_id) else ["unknown_number"],
        )
        self._messages.setdefault(fact.wamid, message)
        self._plan.messages.append(_row(message, entry, self._now))
        event = self._event(
            entry, "message.received" if inbound else "message.sent", normalized(message), fact.timestamp,
            contact_id=contact.id if contact else None, message_id=message.id, source=str(fact.source),
        )  # fmt: skip
        self._plan.steps.append(Step(entry, event, message_id=message.id))

    def status(self, entry: Entry, fact: StatusFact) -> None:
        """A report on a message of ours: kept, told of, and the message moved if that is forward."""
        tag = tags.read(fact.callback_data)
        message = self._messages.get(tag[0] if tag else "") or self._messages.get(fact.wamid)
        if message is not None:
            message = self._move(message, fact, tag)
            self._messages[message.id] = self._messages[fact.wamid] = message
        report: Row = {
            "wamid": fact.wamid,
            "status": fact.status,
            "participant": fact.participant,
            "phone_number_id": entry.item.phone_number_id,
            "message_id": message.id if message else None,
            "timestamp": fact.timestamp,
            "error": fact.error,
            "pricing": fact.pricing,
            "callback_data": fact.callback_data,
            "notification_id": entry.reading.notification_id,
            "received_at": entry.reading.received_at,
        }
        self._plan.reports.append(report)
        contact = (message.contact if message else None) or self._plan.book.get(fact.person)
        data = {
            "message": normalized(message) if message else None,
            "status": {
                "status": fact.status,
                "timestamp": fact.timestamp.isoformat(),
                "recipient": fact.participant or _address(fact.person) or fact.recipient_id,
                "error": fact.error,
                "pricing": fact.pricing,
                "message_id": fact.wamid,
            },
        }
        event = self._event(
            entry, "message.status", data, fact.timestamp,
            contact_id=contact.id if contact else None, message_id=message.id if message else None,
            source=str(fact.source),
        )  # fmt: skip
        self._plan.steps.append(Step(entry, event, report=(fact.wamid, fact.status, fact.participant)))

    def _move(self, message: Message, fact: StatusFact, tag: tuple[str, int] | None) -> Message:
        if fact.pricing:
            self._plan.pricings[message.id] = {"id": message.id, "pricing": fact.pricing}
        if tag and message.message_id is None:
            self._plan.resolved.append(
                {"message_id": message.id, "number": tag[1], "wamid": fact.wamid, "now": self._now}
            )
        if message.status not in movable_to(fact.status) or fact.participant:
            # What one member of a group has read says nothing of the others.
            return replace(message, pricing=fact.pricing or message.pricing)
        earlier = self._plan.moves.get(message.id, {})
        self._plan.moves[message.id] = {
            "id": message.id,
            "status": fact.status,
            "error": fact.error or earlier.get("error"),
            "wamid": None if message.message_id else fact.wamid,
            "updated_at": self._now,
        } | ({"wamid": earlier["wamid"]} if earlier.get("wamid") else {})
        return replace(
            message,
            status=advance(message.status, fact.status),
            error=fact.error or message.error,
            pricing=fact.pricing or message.pricing,
            message_id=message.message_id or fact.wamid,
        )

    def edit(self, entry: Entry, fact: EditFact) -> None:
        """The sender changed or took back a message: an event; what the message said stays as it was."""
        original = self._messages.get(fact.original_wamid)
        contact = self._plan.book.get(fact.person)
        data = {
            "message": normalized(original) if original else None,
            "original_message_id": fact.original_wamid,
            "new": {"message": fact.message.message, "content": fact.message.content} if fact.message else None,
        }
        kind = "message.revoked" if fact.revoked else "message.edited"
        self._keyed(
            entry, kind, data, fact.timestamp, f"edit:{fact.wamid}",
            contact_id=contact.id if contact else None, message_id=original.id if original else None,
            source=str(fact.source),
        )  # fmt: skip

    def contact(self, entry: Entry, fact: ContactFact) -> None:
        """Something about a person changed."""
        contact = self._plan.book.get(fact.person, formerly=fact.previous)
        data = {
            "contact": None if contact is None else {"id": contact.id, **_person(fact.person)},
            "previous": _person(fact.previous) if fact.previous else None,
            "reason": fact.reason,
        }
        self._keyed(
            entry, "contact.updated", data, fact.timestamp, fact.key, contact_id=contact.id if contact else None
        )

    def preference(self, entry: Entry, fact: PreferenceFact) -> None:
        """A customer's wish about marketing."""
        contact = self._plan.book.get(fact.person)
        data = {
            "contact": None if contact is None else {"id": contact.id, **_person(fact.person)},
            "category": fact.category,
            "value": fact.value,
            "detail": fact.detail,
        }
        self._keyed(
            entry, "marketing.preference", data, fact.timestamp, fact.key, contact_id=contact.id if contact else None
        )

    def change(self, entry: Entry, fact: ChangeFact) -> None:
        """Anything else, kept as Meta wrote it."""
        contact = self._plan.book.get(fact.person)
        data = {"field": entry.item.field, "value": fact.value}
        timestamp = fact.timestamp or entry.reading.received_at
        self._keyed(entry, fact.event, data, timestamp, fact.key, contact_id=contact.id if contact else None)

    def _keyed(self, entry: Entry, kind: str, data: Any, timestamp: datetime, key: str, **more: Any) -> None:
        name = key or f"{entry.reading.notification_id}:{entry.item.position}"
        event = self._event(entry, kind, data, timestamp, key=f"{kind}:{name}", **more)
        self._plan.steps.append(Step(entry, event))

    def _event(
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
            "created_at": self._now,
            "data": json.dumps(data, ensure_ascii=False, separators=(",", ":")),
        }


_HANDLERS: dict[type[Fact], Callable[[Planner, Entry, Any], None]] = {
    MessageFact: Planner.message,
    StatusFact: Planner.status,
    EditFact: Planner.edit,
    ContactFact: Planner.contact,
    PreferenceFact: Planner.preference,
    ChangeFact: Planner.change,
}


def _row(message: Message, entry: Entry, now: datetime) -> Row:
    return {
        "id": message.id,
        "direction": message.direction,
        "phone_number_id": message.phone_number_id,
        "wamid": message.message_id,
        "contact_id": message.contact.id if message.contact else None,
        "sender": message.sender,
        "recipient": message.recipient,
        "message_type": message.message_type,
        "message": message.message,
        "content": message.content,
        "context": message.context,
        "referral": message.referral,
        "group_id": message.group_id,
        "timestamp": message.timestamp,
        "status": message.status,
        "error": message.error,
        "pricing": None,
        "callback_data": None,
        "source": str(message.source),
        "flags": message.flags,
        "notification_id": entry.reading.notification_id,
        "received_at": message.received_at,
        "updated_at": now,
    }


def _address(person: Person) -> str | None:
    return f"+{person.wa_id}" if person.wa_id else person.user_id or person.parent_user_id


def _person(person: Person) -> Row:
    return {
        "wa_id": person.wa_id,
        "user_id": person.user_id,
        "parent_user_id": person.parent_user_id,
        "username": person.username,
        "name": person.name,
    }

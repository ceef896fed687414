"""Export everything that is stored about a contact."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.db.database import Database
from app.domain.messages import Message
from app.models import Event
from app.services.contacts.read import KnownContact, ReadContacts, find
from app.store import contact_list, messages
from app.store.contact_list import Numbers

BATCH_SIZE = 200
"""Messages or events read at once; a contact may have a hundred thousand."""


@dataclass(frozen=True, slots=True)
class ExportedEvent:
    """An event with its data, as it was delivered."""

    id: str
    type: str
    timestamp: datetime
    data: Any


@dataclass(frozen=True, slots=True)
class Export:
    """A contact with its messages and events, oldest first. Each batch is read when the iterator is advanced."""

    contact: KnownContact
    messages: Iterator[list[Message]]
    events: Iterator[list[ExportedEvent]]


def export_contact(database: Database, contacts: ReadContacts, contact_id: str, numbers: Numbers) -> Export:
    """Return the export of a contact as far as it concerns these numbers (None: all).

    Raises `NotFound` at once; the iterators raise `Unavailable`, and `NotFound` if the contact is erased meanwhile.
    """
    known = contacts.one(contact_id, numbers)
    return Export(known, _messages(database, contact_id, numbers), _events(database, contact_id, numbers))


def _messages(database: Database, contact_id: str, numbers: Numbers) -> Iterator[list[Message]]:
    after: contact_list.Place | None = None
    while True:
        with database.read() as session:
            owner = find(session, contact_id, numbers)
            rows = contact_list.messages_of(session, contact_id, numbers, after=after, limit=BATCH_SIZE)
            found = [messages.to_domain(each, owner) for each in rows]
        if not rows:
            return
        after = rows[-1].timestamp, rows[-1].id
        yield found


def _events(database: Database, contact_id: str, numbers: Numbers) -> Iterator[list[ExportedEvent]]:
    after = 0
    while True:
        with database.read() as session:
            rows = contact_list.events_of(session, contact_id, numbers, after=after, limit=BATCH_SIZE)
        if not rows:
            return
        after = rows[-1].sequence
        yield [_exported(each) for each in rows]


def _exported(event: Event) -> ExportedEvent:
    return ExportedEvent(event.id, event.type, event.timestamp, json.loads(event.data))

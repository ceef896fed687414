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
from app.store import contact_list, conversation_list, messages, threads
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
class ExportedNote:
    """What a person of the team wrote about the contact. `author` is an actor's name."""

    id: str
    author: str
    text: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ExportedConversation:
    """What the team keeps about a conversation with the contact: the names of its labels, and its notes, oldest first.
    """

    id: str
    phone_number_id: str
    is_closed: bool
    assignee: str | None
    labels: list[str]
    notes: list[ExportedNote]


@dataclass(frozen=True, slots=True)
class Export:
    """A contact with its conversations, messages and events, oldest first. Each batch is read when the iterator is
    advanced. The messages do not stand in the conversations: each names its number, of which there is one conversation.
    """

    contact: KnownContact
    conversations: Iterator[list[ExportedConversation]]
    messages: Iterator[list[Message]]
    events: Iterator[list[ExportedEvent]]


def export_contact(database: Database, contacts: ReadContacts, contact_id: str, numbers: Numbers) -> Export:
    """Return the export of a contact as far as it concerns these numbers (None: all).

    Raises `NotFound` at once; the iterators raise `Unavailable`, and `NotFound` if the contact is erased meanwhile.
    """
    known = contacts.one(contact_id, numbers)
    wanted = (database, contact_id, numbers)
    return Export(known, _conversations(*wanted), _messages(*wanted), _events(*wanted))


def _conversations(database: Database, contact_id: str, numbers: Numbers) -> Iterator[list[ExportedConversation]]:
    with database.read() as session:
        rows = conversation_list.of_contact(session, contact_id, numbers)
        labels = conversation_list.labels_of(session, [row.id for row in rows])
    for row in rows:
        with database.read() as session:
            notes = [
                ExportedNote(note.id, note.author, note.text, note.created_at)
                for note in threads.notes(session, row.id, since=None, until=None)
            ]
        names = [str(label.name) for label in labels.get(row.id, ())]
        is_closed = row.closed_at is not None
        yield [ExportedConversation(row.id, row.phone_number_id, is_closed, row.assignee, names, notes)]


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

"""Everything we know of a person, for whoever asks what that is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.database import Database
from app.domain.messages import Message
from app.models import Event
from app.services.read_contacts import KnownContact, ReadContacts, find
from app.store import contact_list, messages
from app.store.contact_list import Numbers


@dataclass(frozen=True, slots=True)
class ExportedEvent:
    """An event as it was told."""

    id: str
    type: str
    timestamp: datetime
    data: Any


@dataclass(frozen=True, slots=True)
class Export:
    """A contact with its messages and events, oldest first."""

    contact: KnownContact
    messages: list[Message]
    events: list[ExportedEvent]


def export_contact(database: Database, contacts: ReadContacts, contact_id: str, numbers: Numbers) -> Export:
    """What there is of a contact with these numbers. Raises `NotFound`."""
    with database.read() as session:
        row = find(session, contact_id, numbers)
        [known] = contacts.describe(session, [row], numbers)
        found = contact_list.messages_of(session, contact_id, numbers)
        events = [_exported(each) for each in contact_list.events_of(session, contact_id, numbers)]
        return Export(known, [messages.to_domain(each, row) for each in found], events)


def _exported(event: Event) -> ExportedEvent:
    return ExportedEvent(event.id, event.type, event.timestamp, json.loads(event.data))

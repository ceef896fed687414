"""Reading contacts for the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from app.database import Database
from app.errors import NotFound
from app.models import Contact, ContactAlias
from app.store import contact_list
from app.store.contact_list import Numbers


@dataclass(frozen=True, slots=True)
class Window:
    """When a contact last wrote to one of our numbers."""

    phone_number_id: str
    last_inbound_at: datetime


@dataclass(frozen=True, slots=True)
class KnownContact:
    """A contact, every name Meta ever gave it, and when it last wrote to which number."""

    contact: Contact
    aliases: list[ContactAlias] = field(default_factory=list)
    numbers: list[Window] = field(default_factory=list)


def list_contacts(database: Database, *, limit: int, before: str | None, numbers: Numbers) -> list[KnownContact]:
    """Newest first. Raises `Unavailable`."""
    with database.read() as session:
        return _known(session, contact_list.page(session, limit=limit, before=before, numbers=numbers), numbers)


def find_contact(database: Database, contact_id: str, numbers: Numbers) -> KnownContact:
    """One contact by our id. Raises `NotFound`, also for one who never wrote with any of `numbers`."""
    with database.read() as session:
        row = contact_list.find(session, contact_id, numbers) if "\x00" not in contact_id else None
        if row is None:
            raise NotFound("No contact has this id.")
        return _known(session, [row], numbers)[0]


def _known(session: Session, rows: list[Contact], numbers: Numbers) -> list[KnownContact]:
    known = {row.id: KnownContact(row) for row in rows}
    for alias in contact_list.aliases(session, known):
        known[alias.contact_id].aliases.append(alias)
    for contact_id, number, at in contact_list.last_inbound(session, known, numbers):
        known[contact_id].numbers.append(Window(number, at))
    return list(known.values())

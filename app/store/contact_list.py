"""Contacts as they are shown, with all their names."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from app.models import Contact, ContactAlias, Event, Message

Numbers = tuple[str, ...] | None
"""What bounds a caller: only who wrote with one of these numbers exists; None bounds nothing."""


def page(session: Session, *, limit: int, before: str | None, numbers: Numbers) -> list[Contact]:
    """Newest first, below the contact with the id `before`."""
    query = _visible(numbers).order_by(Contact.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Contact.id < before)
    return list(session.scalars(query))


def find(session: Session, contact_id: str, numbers: Numbers) -> Contact | None:
    """One contact."""
    return session.scalar(_visible(numbers).where(Contact.id == contact_id))


def aliases(session: Session, ids: Collection[str]) -> list[ContactAlias]:
    """Every name of these contacts, in a fixed order."""
    query = select(ContactAlias).where(ContactAlias.contact_id.in_(ids))
    return list(session.scalars(query.order_by(ContactAlias.kind, ContactAlias.value)))


def messages_of(session: Session, contact_id: str, numbers: Numbers) -> list[Message]:
    """A contact's messages, oldest first."""
    query = select(Message).where(Message.contact_id == contact_id)
    if numbers is not None:
        query = query.where(Message.phone_number_id.in_(numbers))
    return list(session.scalars(query.order_by(Message.timestamp, Message.id)))


def events_of(session: Session, contact_id: str, numbers: Numbers) -> list[Event]:
    """A contact's events, oldest first."""
    query = select(Event).where(Event.contact_id == contact_id)
    if numbers is not None:
        query = query.where(Event.phone_number_id.in_(numbers))
    return list(session.scalars(query.order_by(Event.sequence)))


def _visible(numbers: Numbers) -> Select[Contact]:
    query = select(Contact)
    if numbers is None:
        return query
    return query.where(exists().where(Message.contact_id == Contact.id, Message.phone_number_id.in_(numbers)))

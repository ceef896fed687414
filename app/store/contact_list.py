"""Lists of contacts, their aliases, and their messages and events."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, exists, select, tuple_
from sqlalchemy.orm import Session

from app.domain.search_terms import SearchTerm
from app.models import Contact, ContactAlias, Event, Message
from app.store import contact_search

Numbers = tuple[str, ...] | None
"""The phone number ids that a caller may use; other numbers' contacts do not exist for it. None means all numbers."""


@dataclass(frozen=True, slots=True)
class ContactFilter:
    """A filter of contacts: by an alias from each tuple in `names`, by all `words`, and by a number that knows them."""

    names: tuple[tuple[str, ...], ...] = ()
    words: tuple[SearchTerm, ...] = ()
    username: str | None = None
    phone_number_id: str | None = None


ALL = ContactFilter()


def page(
    session: Session, *, limit: int, before: str | None, numbers: Numbers, wanted: ContactFilter = ALL
) -> list[Contact]:
    """Return visible contacts below the id `before`, newest first."""
    query = _visible(numbers).order_by(Contact.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Contact.id < before)
    for names in wanted.names:
        query = query.where(Contact.id.in_(contact_search.find_by_names(session, names)))
    called = contact_search.matching_words(wanted.words, wanted.username)
    query = query.where(*called)
    number = wanted.phone_number_id
    if number is not None and (called or wanted.names or numbers is not None):
        query = query.where(contact_search.is_known_to(number))
    elif number is not None:
        ids = contact_search.of_number(number, before).limit(limit)
        query = query.where(Contact.id.in_(list(session.scalars(ids))))
    return list(session.scalars(query))


def find(session: Session, contact_id: str, numbers: Numbers) -> Contact | None:
    """Return a contact if it is visible to these numbers, or None."""
    return session.scalar(_visible(numbers).where(Contact.id == contact_id))


def aliases(session: Session, ids: Collection[str]) -> list[ContactAlias]:
    """Return the aliases of these contacts, ordered by kind and value."""
    query = select(ContactAlias).where(ContactAlias.contact_id.in_(ids))
    return list(session.scalars(query.order_by(ContactAlias.kind, ContactAlias.value)))


Place = tuple[datetime, str]
"""Timestamp and id of a message."""


def messages_of(
    session: Session, contact_id: str, numbers: Numbers, *, after: Place | None, limit: int
) -> list[Message]:
    """Return a contact's messages after a place, oldest first."""
    query = select(Message).where(Message.contact_id == contact_id)
    if numbers is not None:
        query = query.where(Message.phone_number_id.in_(numbers))
    if after is not None:
        query = query.where(tuple_(Message.timestamp, Message.id) > after)
    return list(session.scalars(query.order_by(Message.timestamp, Message.id).limit(limit)))


def events_of(session: Session, contact_id: str, numbers: Numbers, *, after: int, limit: int) -> list[Event]:
    """Return a contact's events after a sequence, oldest first."""
    query = select(Event).where(Event.contact_id == contact_id, Event.sequence > after)
    if numbers is not None:
        query = query.where(Event.phone_number_id.in_(numbers))
    return list(session.scalars(query.order_by(Event.sequence).limit(limit)))


def _visible(numbers: Numbers) -> Select[Contact]:
    query = select(Contact)
    if numbers is None:
        return query
    return query.where(exists().where(Message.contact_id == Contact.id, Message.phone_number_id.in_(numbers)))

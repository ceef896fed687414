"""Whom a send is for: a contact of ours, who is met now if nobody has met them yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.domain.addresses import is_user_id
from app.domain.notifications import Person
from app.domain.numbers import BusinessNumber
from app.domain.outbound import OutboundRequest
from app.domain.phone_numbers import to_wa_id
from app.services.contacts.identity import ContactBook, aliases, all_aliases, variants_of
from app.store import contact_numbers, contacts
from app.store.contact_numbers import Known
from app.store.contacts import Alias


class ContactAppeared(Exception):
    """Somebody else met one of these people first."""


def know(session: Session, request: OutboundRequest, number: BusinessNumber, now: datetime) -> Known | None:
    """What the sending number knows of the recipient.

    None for a group, for a name of an unknown kind, and for a stranger who may only be written to when known.
    """
    person = _person(request)
    names = aliases(person)
    if not names:
        return None
    (name,) = names  # a send calls its recipient by one
    known = contact_numbers.known_as(session, name, number.phone_number_id, number.realm)
    if known is not None or (request.only_if_known and not contacts.find_by_aliases(session, names, number.realm)):
        return known
    return _meet(session, person, name, number, now)


def know_many(
    session: Session, requests: Sequence[OutboundRequest], number: BusinessNumber, now: datetime
) -> list[Known | None]:
    """The same for many sends. Raises `ContactAppeared`: roll back, and do it again."""
    named = [_person(request) for request in requests]
    found = contacts.find_by_aliases(session, all_aliases(named), number.realm)
    people = [
        None if request.only_if_known and not found.keys() & set(aliases(person)) else person
        for request, person in zip(requests, named, strict=True)
    ]
    book = ContactBook.of(now, found, number.realm)
    owners = [contact.id if (contact := book.get(person)) else None for person in people]
    if not _write(session, book):
        raise ContactAppeared
    known = {contact_id: Known(contact_id, is_new=True) for contact_id in book.new}
    earlier = {owner for owner in owners if owner is not None and owner not in known}
    known |= contact_numbers.known_of_many(session, earlier, number.phone_number_id)
    return [known[owner] if owner is not None else None for owner in owners]


def _person(request: OutboundRequest) -> Person:
    return Person(
        wa_id=to_wa_id(request.to) if request.to else None,
        user_id=request.recipient if request.recipient and is_user_id(request.recipient) else None,
    )


def _meet(session: Session, person: Person, name: Alias, number: BusinessNumber, now: datetime) -> Known | None:
    # Who can be called by one name only is new, since nobody is known by it. Who once was is found the second time.
    seems_new = not variants_of(name)
    while True:
        found = {} if seems_new else contacts.find_by_aliases(session, all_aliases([person]), number.realm)
        book, seems_new = ContactBook.of(now, found, number.realm), False
        contact = book.get(person)
        if contact is None:
            return None
        if _write(session, book):
            is_new = contact.id in book.new
            return Known(contact.id, is_new=True) if is_new else contact_numbers.known_of(
                session, contact.id, number.phone_number_id
            )
        if book.new:  # somebody else met this person at the same moment
            contacts.remove(session, contact.id)


def _write(session: Session, book: ContactBook) -> bool:
    """Write what a book adds; False if somebody else has taken one of its names meanwhile."""
    if book.new:
        contacts.add(session, book.new_rows())
    if book.new_aliases and contacts.add_aliases(session, book.alias_rows()) != len(book.new_aliases):
        return False
    return all(contacts.move_alias(session, *moved) for moved in book.moved_rows())

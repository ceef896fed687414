"""Find the contact that a send is addressed to, and create it if it does not exist yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.domain.addresses import is_user_id
from app.domain.notifications import Person
from app.domain.numbers import BusinessNumber
from app.domain.outbound import OutboundRequest
from app.domain.phone_numbers import to_wa_id
from app.services.contacts import IdentityResolver, aliases_of, lookup_aliases, variants_of
from app.store import contact_numbers, contacts
from app.store.contact_numbers import RecipientState
from app.store.contacts import Alias


class ContactAppeared(Exception):
    """Another transaction created a contact for one of the recipients first."""


def find_or_create_recipient(
    session: Session, request: OutboundRequest, number: BusinessNumber, now: datetime
) -> RecipientState | None:
    """Return the recipient's state for the sending number. If the recipient has no contact yet, it is inserted.

    Returns None for a group, for an address of an unknown kind, and for an unknown recipient if the request is
    `only_if_known`.
    """
    person = _person(request)
    names = aliases_of(person)
    if not names:
        return None
    (name,) = names  # a send has exactly one address
    known = contact_numbers.find_recipient(session, name, number.phone_number_id, number.realm)
    if known is not None or (request.only_if_known and not contacts.find_by_aliases(session, names, number.realm)):
        return known
    return _create(session, person, name, number, now)


def find_or_create_recipients(
    session: Session, requests: Sequence[OutboundRequest], number: BusinessNumber, now: datetime
) -> list[RecipientState | None]:
    """Do what `find_or_create_recipient` does for each of these requests, in their order.

    Raises `ContactAppeared` if another transaction created one of the contacts: the caller must roll back and repeat.
    """
    named = [_person(request) for request in requests]
    found = contacts.find_by_aliases(session, lookup_aliases(named), number.realm)
    people = [
        None if request.only_if_known and not found.keys() & set(aliases_of(person)) else person
        for request, person in zip(requests, named, strict=True)
    ]
    resolver = IdentityResolver.of(now, found, number.realm)
    owners = [contact.id if (contact := resolver.resolve_or_create(person)) else None for person in people]
    if not _write(session, resolver):
        raise ContactAppeared
    known = {contact_id: RecipientState(contact_id, is_new=True) for contact_id in resolver.new}
    earlier = {owner for owner in owners if owner is not None and owner not in known}
    known |= contact_numbers.recipient_states(session, earlier, number.phone_number_id)
    return [known[owner] if owner is not None else None for owner in owners]


def _person(request: OutboundRequest) -> Person:
    return Person(
        wa_id=to_wa_id(request.to) if request.to else None,
        user_id=request.recipient if request.recipient and is_user_id(request.recipient) else None,
    )


def _create(
    session: Session, person: Person, name: Alias, number: BusinessNumber, now: datetime
) -> RecipientState | None:
    # The caller found no contact for this alias. Without variants there is nothing else to look up before the insert;
    # an alias that another transaction inserted meanwhile is found on the second pass.
    seems_new = not variants_of(name)
    while True:
        found = {} if seems_new else contacts.find_by_aliases(session, lookup_aliases([person]), number.realm)
        resolver, seems_new = IdentityResolver.of(now, found, number.realm), False
        contact = resolver.resolve_or_create(person)
        if contact is None:
            return None
        if _write(session, resolver):
            is_new = contact.id in resolver.new
            return RecipientState(contact.id, is_new=True) if is_new else contact_numbers.recipient_state(
                session, contact.id, number.phone_number_id
            )
        if resolver.new:  # another transaction created this person's contact at the same moment
            contacts.remove(session, contact.id)


def _write(session: Session, resolver: IdentityResolver) -> bool:
    """Write the new contacts and aliases; False if another transaction has taken one of the aliases meanwhile."""
    if resolver.new:
        contacts.add(session, resolver.new_rows())
    if resolver.new_aliases and contacts.add_aliases(session, resolver.alias_rows()) != len(resolver.new_aliases):
        return False
    return all(contacts.move_alias(session, *moved) for moved in resolver.reassigned_rows())

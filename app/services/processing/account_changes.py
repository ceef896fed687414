"""News about people, and whatever else Meta tells."""

from __future__ import annotations

from app.domain import opt_outs
from app.domain.messages import shown
from app.domain.notifications import ChangeFact, ContactFact, Person, PreferenceFact
from app.domain.opt_outs import Wish
from app.services.processing import consent
from app.services.processing.change_set import Row
from app.services.processing.change_set_builder import Draft
from app.services.processing.work import Entry


def contact(draft: Draft, entry: Entry, fact: ContactFact) -> None:
    """Something about a person changed."""
    contact = draft.book(entry).get(fact.person, formerly=fact.previous, at=fact.timestamp)
    if contact is not None and fact.previous is not None:
        draft.book(entry).give_up(contact, fact.previous, fact.person, fact.timestamp)
    data = {
        "contact": None if contact is None else shown(contact),
        "previous": _person(fact.previous) if fact.previous else None,
        "reason": fact.reason,
        "opt_out": None,
        "handover": None,
    }
    draft.keyed(
        entry, "contact.updated", data, fact.timestamp, fact.key, contact_id=contact.id if contact else None
    )


def preference(draft: Draft, entry: Entry, fact: PreferenceFact) -> None:
    """A customer's wish about marketing."""
    contact = draft.book(entry).get(fact.person, at=fact.timestamp)
    data = {
        "contact": None if contact is None else shown(contact),
        "category": fact.category,
        "value": fact.value,
        "detail": fact.detail,
    }
    draft.keyed(
        entry, "marketing.preference", data, fact.timestamp, fact.key, contact_id=contact.id if contact else None
    )
    stops = opt_outs.is_stop(fact.category, fact.value)
    if contact is not None and stops is not None:
        consent.wish(draft, entry, contact, stops, fact.timestamp, Wish.PREFERENCE, key=fact.key)


def change(draft: Draft, entry: Entry, fact: ChangeFact) -> None:
    """Anything else, kept as Meta wrote it."""
    contact = draft.book(entry).get(fact.person, at=fact.timestamp)
    if fact.opens_window:
        draft.note_spoken(contact, entry.item.phone_number_id, fact.timestamp or entry.reading.received_at)
    data = {
        "field": entry.item.field,
        "value": fact.value,
        "waba_id": entry.item.waba_id,
        "phone_number_ids": draft.numbers_of(entry),
    }
    timestamp = fact.timestamp or entry.reading.received_at
    draft.keyed(entry, fact.event, data, timestamp, fact.key, contact_id=contact.id if contact else None)


def _person(person: Person) -> Row:
    return {
        "wa_id": person.wa_id,
        "user_id": person.user_id,
        "parent_user_id": person.parent_user_id,
        "username": person.username,
        "name": person.given_name or person.name,
        "profile_name": person.name,
    }

"""News about people, and whatever else Meta tells."""

from __future__ import annotations

from app.domain.notifications import ChangeFact, ContactFact, Person, PreferenceFact
from app.services.processing.plan import Draft, Row
from app.services.processing.readings import Entry


def contact(draft: Draft, entry: Entry, fact: ContactFact) -> None:
    """Something about a person changed."""
    contact = draft.book.get(fact.person, formerly=fact.previous)
    data = {
        "contact": None if contact is None else {"id": contact.id, **_person(fact.person)},
        "previous": _person(fact.previous) if fact.previous else None,
        "reason": fact.reason,
    }
    draft.keyed(
        entry, "contact.updated", data, fact.timestamp, fact.key, contact_id=contact.id if contact else None
    )


def preference(draft: Draft, entry: Entry, fact: PreferenceFact) -> None:
    """A customer's wish about marketing."""
    contact = draft.book.get(fact.person)
    data = {
        "contact": None if contact is None else {"id": contact.id, **_person(fact.person)},
        "category": fact.category,
        "value": fact.value,
        "detail": fact.detail,
    }
    draft.keyed(
        entry, "marketing.preference", data, fact.timestamp, fact.key, contact_id=contact.id if contact else None
    )


def change(draft: Draft, entry: Entry, fact: ChangeFact) -> None:
    """Anything else, kept as Meta wrote it."""
    contact = draft.book.get(fact.person)
    data = {"field": entry.item.field, "value": fact.value}
    timestamp = fact.timestamp or entry.reading.received_at
    draft.keyed(entry, fact.event, data, timestamp, fact.key, contact_id=contact.id if contact else None)


def _person(person: Person) -> Row:
    return {
        "wa_id": person.wa_id,
        "user_id": person.user_id,
        "parent_user_id": person.parent_user_id,
        "username": person.username,
        "name": person.name,
    }

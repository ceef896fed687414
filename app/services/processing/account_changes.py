"""Plan facts about persons, marketing preferences and accounts, and every change that has no shape of ours."""

from __future__ import annotations

from app.domain import opt_outs
from app.domain.messages import shown
from app.domain.notifications import ChangeFact, ContactFact, Person, PreferenceFact
from app.domain.opt_outs import ConsentSource
from app.services.processing import consent
from app.services.processing.change_set import Row
from app.services.processing.change_set_builder import ChangeSetBuilder
from app.services.processing.work import WorkItem


def contact(builder: ChangeSetBuilder, work_item: WorkItem, fact: ContactFact) -> None:
    """Add a `contact.updated` event for a change of a person's ids or names, and end the aliases it replaces."""
    contact = builder.resolver_of(work_item).resolve_or_create(fact.person, formerly=fact.previous, at=fact.timestamp)
    if contact is not None and fact.previous is not None:
        builder.resolver_of(work_item).end_aliases(contact, fact.previous, fact.person, fact.timestamp)
    data = {
        "contact": None if contact is None else shown(contact),
        "previous": _person(fact.previous) if fact.previous else None,
        "reason": fact.reason,
        "opt_out": None,
        "handover": None,
    }
    builder.add_keyed_event(
        work_item, "contact.updated", data, fact.timestamp, fact.key, contact_id=contact.id if contact else None
    )


def preference(builder: ChangeSetBuilder, work_item: WorkItem, fact: PreferenceFact) -> None:
    """Add a `marketing.preference` event, and record the consent if the preference is about marketing messages."""
    contact = builder.resolver_of(work_item).resolve_or_create(fact.person, at=fact.timestamp)
    data = {
        "contact": None if contact is None else shown(contact),
        "category": fact.category,
        "value": fact.value,
        "detail": fact.detail,
    }
    builder.add_keyed_event(
        work_item, "marketing.preference", data, fact.timestamp, fact.key, contact_id=contact.id if contact else None
    )
    stops = opt_outs.is_stop(fact.category, fact.value)
    if contact is not None and stops is not None:
        consent.record_consent(
            builder, work_item, contact, stops, fact.timestamp, ConsentSource.PREFERENCE, key=fact.key
        )


def change(builder: ChangeSetBuilder, work_item: WorkItem, fact: ChangeFact) -> None:
    """Add an event that carries the value as Meta wrote it. A fact that `opens_window` counts as inbound activity."""
    contact = builder.resolver_of(work_item).resolve_or_create(fact.person, at=fact.timestamp)
    if fact.opens_window:
        builder.record_inbound(
            contact, work_item.item.phone_number_id, fact.timestamp or work_item.notification.received_at
        )
    data = {
        "field": work_item.item.field,
        "value": fact.value,
        "waba_id": work_item.item.waba_id,
        "phone_number_ids": builder.numbers_of(work_item),
    }
    timestamp = fact.timestamp or work_item.notification.received_at
    builder.add_keyed_event(
        work_item, fact.event, data, timestamp, fact.key, contact_id=contact.id if contact else None
    )


def _person(person: Person) -> Row:
    return {
        "wa_id": person.wa_id,
        "user_id": person.user_id,
        "parent_user_id": person.parent_user_id,
        "username": person.username,
        "name": person.given_name or person.name,
        "profile_name": person.name,
    }

"""Append `contact.updated` events for changes that no webhook reports."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.clock import iso_utc
from app.domain.messages import ContactRef, shown
from app.domain.opt_outs import ConsentSource, consent_reason
from app.services.contacts.identity import to_ref
from app.services.events import append_events, event_row
from app.store import contact_numbers, contacts, messages


def append_contact_updated(
    session: Session, contact_id: str | None, data: dict[str, Any], now: datetime, number: str | None
) -> None:
    """Append a `contact.updated` event. `number` is a phone number id, or None for an event of no single number.

    The session must hold the lock of `events.take_turn` from its beginning.
    """
    place = contacts.next_sequences(session, {contact_id: 1})[contact_id] if contact_id else None
    row = event_row(
        "contact.updated", data, now, phone_number_id=number, contact_id=contact_id, contact_sequence=place
    )
    append_events(session, [row])


def consent_data(
    contact: ContactRef, opted_out: bool, at: datetime, how: ConsentSource, numbers: list[str]
) -> dict[str, Any]:
    """Return the `data` of a `contact.updated` event about consent to marketing on these phone number ids."""
    return {
        "contact": shown(contact),
        "previous": None,
        "reason": consent_reason(opted_out),
        "opt_out": {
            "category": "marketing",
            "opted_out": opted_out,
            "at": iso_utc(at),
            "how": how.value,
            "phone_number_ids": numbers,
        },
        "handover": None,
    }


def record_consent(
    session: Session, contact_id: str, opted_out: bool, how: ConsentSource, numbers: list[str], now: datetime
) -> None:
    """Record a contact's consent on these numbers from `now` on, and append its event.

    The session must hold the lock of `events.take_turn`.
    """
    row = {"contact_id": contact_id, "opted_out": opted_out, "consent_at": now, "consent_source": how.value}
    contact_numbers.record_consents(session, [row | {"phone_number_id": number} for number in numbers])
    contact = to_ref(contacts.find_many(session, [contact_id])[contact_id])
    number = numbers[0] if len(numbers) == 1 else None
    append_contact_updated(session, contact_id, consent_data(contact, opted_out, now, how, numbers), now, number)


def record_refusal(session: Session, message_id: str, now: datetime) -> None:
    """Record that the recipient of a message opted out, because Meta refused it for that reason (error 131050).

    The session must hold the lock of `events.take_turn`.
    """
    message = messages.find(session, message_id)
    if message is not None and message.contact_id is not None:
        record_consent(session, message.contact_id, True, ConsentSource.REFUSED, [message.phone_number_id], now)

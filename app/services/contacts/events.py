"""Telling of a contact that something about it changed, when no webhook says so."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.domain.messages import ContactRef, shown
from app.domain.opt_outs import Wish, reason
from app.ids import new_id
from app.services.contacts.identity import to_ref
from app.services.events.log import append
from app.store import contact_numbers, contacts, messages


def tell(session: Session, contact_id: str | None, data: dict[str, Any], now: datetime, number: str | None) -> None:
    """Append a `contact.updated`. The session must have the turn (`events.take_turn`) from its beginning."""
    place = contacts.next_sequences(session, {contact_id: 1})[contact_id] if contact_id else None
    event = {
        "id": new_id(),
        "type": "contact.updated",
        "key": None,
        "source": "live",
        "phone_number_id": number,
        "contact_id": contact_id,
        "contact_sequence": place,
        "message_id": None,
        "notification_id": None,
        "position": None,
        "timestamp": now,
        "received_at": now,
        "created_at": now,
        "data": json.dumps(data, ensure_ascii=False, separators=(",", ":")),
    }
    append(session, [event])


def news(contact: ContactRef, opted_out: bool, at: datetime, how: Wish, numbers: list[str]) -> dict[str, Any]:
    """The data of a `contact.updated` about consent to marketing on some of our numbers."""
    return {
        "contact": shown(contact),
        "previous": None,
        "reason": reason(opted_out),
        "opt_out": {
            "category": "marketing",
            "opted_out": opted_out,
            "at": at.isoformat(),
            "how": how.value,
            "phone_number_ids": numbers,
        },
        "handover": None,
    }


def wish(session: Session, contact_id: str, opted_out: bool, how: Wish, numbers: list[str], now: datetime) -> None:
    """Keep what a contact wishes of these numbers from now on, and tell of it. The session must have the turn."""
    row = {"contact_id": contact_id, "opted_out": opted_out, "wished_at": now, "wish": how.value}
    contact_numbers.note_wishes(session, [row | {"phone_number_id": number} for number in numbers])
    contact = to_ref(contacts.find_many(session, [contact_id])[contact_id])
    number = numbers[0] if len(numbers) == 1 else None
    tell(session, contact_id, news(contact, opted_out, now, how, numbers), now, number)


def refused(session: Session, message_id: str, now: datetime) -> None:
    """Keep that Meta refused a message because its recipient stopped marketing. The session must have the turn."""
    message = messages.find(session, message_id)
    if message is not None and message.contact_id is not None:
        wish(session, message.contact_id, True, Wish.REFUSED, [message.phone_number_id], now)

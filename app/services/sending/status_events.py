"""Append events about status changes that the gateway itself decided, in the shape of Meta's own status reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.clock import iso_utc
from app.schemas.normalized_message import normalized
from app.services.events import append_events, event_row
from app.store import contacts, messages

StatusErrors = dict[str, dict[str, Any] | None]
"""Ids of messages whose status changed, each with the `error` of its event (`code`, `title`, `details`) or None."""


def append_status_events(session: Session, changed: Mapping[str, dict[str, Any] | None], now: datetime) -> None:
    """Append one `message.status` event for each message id in `changed`, with the status that its row has now.

    The values are Meta's errors or None. The session must have called `events.take_turn` at its beginning.
    """
    session.flush()
    found = messages.rows_of(session, changed.keys())
    people = contacts.rows_of(session, {row.contact_id for row in found.values() if row.contact_id})
    counts = Counter(row.contact_id for row in found.values() if row.contact_id)
    sequences = contacts.next_sequences(session, counts) if counts else {}
    rows = []
    for message_id, row in sorted(found.items()):
        sequence = None
        if row.contact_id in sequences:
            sequence = sequences[row.contact_id]
            sequences[row.contact_id] += 1
        message = normalized(messages.to_domain(row, people.get(row.contact_id or "")))
        data = {
            "message": message,
            "status": {
                "status": row.status,
                "timestamp": iso_utc(now),
                "recipient": row.recipient,
                "error": changed[message_id],
                "pricing": None,
                "message_id": row.wamid,
            },
        }
        rows.append(
            event_row(
                "message.status",
                data,
                now,
                phone_number_id=row.phone_number_id,
                contact_id=row.contact_id,
                contact_sequence=sequence,
                message_id=message_id,
            )
        )
    if rows:
        append_events(session, rows)

"""Events about sends of ours that nobody waits for: what became of them, told like Meta's own reports."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.ids import new_id
from app.schemas.normalized_message import normalized
from app.services.events.log import append
from app.store import contacts, messages


def tell(session: Session, news: Mapping[str, dict[str, Any] | None], now: datetime) -> None:
    """Append a `message.status` event for each of these messages as it now stands; the value is Meta's error, if any.

    The session must have the turn (`events.take_turn`) from its beginning.
    """
    session.flush()
    found = messages.rows_of(session, news.keys())
    people = contacts.rows_of(session, {row.contact_id for row in found.values() if row.contact_id})
    counts = Counter(row.contact_id for row in found.values() if row.contact_id)
    places = contacts.next_sequences(session, counts) if counts else {}
    rows = []
    for message_id, row in sorted(found.items()):
        place = None
        if row.contact_id in places:
            place = places[row.contact_id]
            places[row.contact_id] += 1
        message = normalized(messages.to_domain(row, people.get(row.contact_id or "")))
        data = {
            "message": message,
            "status": {
                "status": row.status,
                "timestamp": now.isoformat(),
                "recipient": row.recipient,
                "error": news[message_id],
                "pricing": None,
                "message_id": row.wamid,
            },
        }
        rows.append(
            {
                "id": new_id(),
                "type": "message.status",
                "key": None,
                "source": "live",
                "phone_number_id": row.phone_number_id,
                "contact_id": row.contact_id,
                "contact_sequence": place,
                "message_id": message_id,
                "notification_id": None,
                "position": None,
                "timestamp": now,
                "received_at": now,
                "created_at": now,
                "data": json.dumps(data, ensure_ascii=False, separators=(",", ":")),
            }
        )
    if rows:
        append(session, rows)

"""A campaign of very many sends that waits in the queue, written past the gateway: a million takes a minute."""

from __future__ import annotations

import json
from datetime import timedelta

from app.clock import utc_now
from app.db.database import Database
from app.domain.outbound import Priority
from app.ids import new_id
from app.models import Batch, Contact, ContactAlias, Message, QueuedSend
from benchmarks.fill import filling

PORTION = 20_000


def wait_in_queue(database: Database, phone_number_id: str, count: int) -> None:
    """Fill a migrated database with the rows that `POST /api/messages/bulk` makes of so many texts to new contacts."""
    now, batch = utc_now(), new_id()
    expires_at, rank = now + timedelta(hours=24), Priority.BULK.rank
    content = json.dumps({"body": "Hola"})
    with filling(database) as write:
        write(Batch, ("id", "phone_number_id", "state", "created_at", "updated_at"),
              [(batch, phone_number_id, "running", now, now)])  # fmt: skip
        for first in range(0, count, PORTION):
            rows = [
                (new_id(), new_id(), str(34_600_000_000 + each)) for each in range(first, min(first + PORTION, count))
            ]
            write(Contact, ("id", "wa_id", "event_count", "created_at", "updated_at"),
                  [(contact, number, 0, now, now) for contact, _, number in rows])  # fmt: skip
            write(ContactAlias, ("kind", "value", "contact_id"),
                  [("wa_id", number, contact) for contact, _, number in rows])  # fmt: skip
            write(Message, MESSAGE_COLUMNS, [
                (message, "outbound", phone_number_id, contact, f"+{number}", "text", "Hola", content, "queued",
                 "queued", batch, "live", "[]", now, now, now)
                for contact, message, number in rows
            ])  # fmt: skip
            write(QueuedSend, QUEUE_COLUMNS, [
                (message, phone_number_id, f"+{number}", rank, 1, 0, now, now, expires_at, batch)
                for _, message, number in rows
            ])  # fmt: skip


MESSAGE_COLUMNS = (
    "id", "direction", "phone_number_id", "contact_id", "recipient", "message_type", "message", "content", "status",
    "mode", "batch_id", "source", "flags", "timestamp", "received_at", "updated_at",
)  # fmt: skip
QUEUE_COLUMNS = (
    "message_id", "phone_number_id", "recipient", "lane", "attempt", "refusals", "wanted_at", "due_at", "expires_at",
    "batch_id",
)  # fmt: skip

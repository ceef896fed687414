"""Reading messages for the API."""

from __future__ import annotations

from datetime import datetime

from app.database import Database
from app.domain.messages import Message
from app.errors import NotFound
from app.store import contacts, messages
from app.store.messages import MessageFilter


def list_messages(
    database: Database, filters: MessageFilter, *, limit: int, before: tuple[datetime, str] | None
) -> list[Message]:
    """Newest first. Raises `Unavailable`."""
    with database.read() as session:
        rows = messages.page(session, filters, limit=limit, before=before)
        return [messages.to_domain(row, contact) for row, contact in rows]


def find_message(database: Database, message_id: str, numbers: tuple[str, ...] | None) -> Message:
    """One message by our id or a wamid. Raises `NotFound`, also for one of a number outside `numbers`."""
    with database.read() as session:
        row = messages.find(session, message_id, numbers) if "\x00" not in message_id else None
        if row is None:
            raise NotFound("No message has this id.")
        owner = contacts.find_many(session, [row.contact_id]) if row.contact_id else {}
        return messages.to_domain(row, owner.get(row.contact_id or ""))

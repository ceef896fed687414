"""Messages of imported history whose file arrives in a later webhook. Until then they hold a placeholder."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.orm import Session

from app.domain.messages import PLACEHOLDER
from app.models import Message
from app.models.base import table

_FILLED = ("message_type", "message", "content", "context", "referral", "error", "updated_at")


def fill(session: Session, rows: Sequence[dict[str, Any]]) -> set[str]:
    """Replace placeholders by the messages of these rows, by `id`; return the ids that still were placeholders.

    The caller holds the lock of `events.take_turn`, so that no other transaction replaces one meanwhile.
    """
    ids = {row["id"] for row in rows}
    query = select(Message.id).where(Message.id.in_(ids), Message.message_type == PLACEHOLDER)
    still = set(session.scalars(query))
    found = {row["id"]: row for row in reversed(rows) if row["id"] in still}  # of rows with the same id the first wins
    if found:
        target = table(Message)
        values = {name: bindparam(f"new_{name}", type_=target.c[name].type) for name in _FILLED}
        statement = update(target).where(target.c.id == bindparam("message_id")).values(values)
        parameters = [
            {"message_id": row["id"]} | {f"new_{name}": row[name] for name in _FILLED} for row in found.values()
        ]
        session.execute(statement, parameters)
    return still


def any_left(session: Session, wamids: Collection[str]) -> bool:
    """Return whether any of these messages still is a placeholder."""
    return bool(session.scalar(select(exists().where(Message.wamid.in_(wamids), Message.message_type == PLACEHOLDER))))

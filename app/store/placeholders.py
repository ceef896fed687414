"""Messages of imported history whose file Meta tells of later. Until then they hold a placeholder."""

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
    """Put in the place of placeholders what they stood for, by `id`; return the ids of those that were still some.

    The caller has the turn (see `store.events`), so that nobody else fills one meanwhile.
    """
    ids = {row["id"] for row in rows}
    query = select(Message.id).where(Message.id.in_(ids), Message.message_type == PLACEHOLDER)
    still = set(session.scalars(query))
    found = {row["id"]: row for row in reversed(rows) if row["id"] in still}  # of several, the first
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
    """Whether any of these messages is still a placeholder."""
    return bool(session.scalar(select(exists().where(Message.wamid.in_(wamids), Message.message_type == PLACEHOLDER))))

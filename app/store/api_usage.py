"""The last known use of Graph's rate limits, as Graph reports it in response headers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from app.models import SeenUsage
from app.models.base import table
from app.store.dialect import insert_or_update

_KEY = ("app", "waba_id", "kind")
_SAID = ("call_count", "total_cputime", "total_time", "minutes_to_wait", "seen_at")


def save(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store usage rows; a newer row that is stored already stays."""
    target = table(SeenUsage)
    insert = insert_or_update(session, SeenUsage)
    statement = insert.on_conflict_do_update(
        index_elements=list(_KEY),
        set_={name: insert.excluded[name] for name in _SAID},
        where=target.c.seen_at <= insert.excluded.seen_at,
    )
    session.execute(statement, sorted(rows, key=lambda row: tuple(row[name] for name in _KEY)))


def of(session: Session, apps: Collection[str], accounts: Collection[str]) -> Sequence[SeenUsage]:
    """Return the stored usage of these apps as a whole, and of these business accounts."""
    is_asked_for = or_(
        and_(SeenUsage.app.in_(apps), SeenUsage.waba_id == ""),
        SeenUsage.waba_id.in_(accounts),
    )
    order = (SeenUsage.app, SeenUsage.waba_id, SeenUsage.kind)
    return session.scalars(select(SeenUsage).where(is_asked_for).order_by(*order)).all()

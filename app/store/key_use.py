"""When API keys were last used."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import KeyUse
from app.models.base import table
from app.store.dialect import insert_or_update


def save(session: Session, key_name: str, face: str, at: datetime) -> None:
    """Store the time of a key's last use; a later time that is stored already stays."""
    insert = insert_or_update(session, KeyUse)
    statement = insert.on_conflict_do_update(
        index_elements=["key_name", "face"],
        set_={"last_at": insert.excluded.last_at},
        where=table(KeyUse).c.last_at < insert.excluded.last_at,
    )
    session.execute(statement, [{"key_name": key_name, "face": face, "last_at": at}])


def since(session: Session, at: datetime) -> set[tuple[str, str]]:
    """Return name and `face` (`api` or `graph`) of the keys used at or after a time."""
    query = select(KeyUse.key_name, KeyUse.face).where(KeyUse.last_at >= at)
    return {(name, face) for name, face in session.execute(query)}

"""The row that distinguishes a database in use from an older copy of it, such as a restored backup."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.models import DatabaseUse
from app.models.base import table
from app.store.dialect import built_once

_TABLE = table(DatabaseUse)
_BEATS = select(_TABLE.c.epoch, _TABLE.c.beats)


def find(session: Session) -> DatabaseUse | None:
    """Return the row; None in a database that no worker has used yet."""
    return session.get(DatabaseUse, 1)


def beats(session: Session) -> tuple[str, int] | None:
    """Return the database's epoch and its count of beats; None if it has no row yet."""
    row = session.execute(_BEATS).first()
    return None if row is None else (row.epoch, row.beats)


@built_once
def _beat(insert: Any) -> Any:
    statement = insert(_TABLE).returning(_TABLE.c.epoch, _TABLE.c.beats)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["id"],
        set_={"beats": _TABLE.c.beats + new.beats, "beat_at": new.beat_at, "is_stopped": new.is_stopped},
    )


def beat(session: Session, row: dict[str, Any]) -> tuple[str, int]:
    """Add `beats` to the stored count, or insert the first row; return the epoch and the new count."""
    found = session.execute(_beat(session), {"id": 1, **row}).one()
    return found.epoch, found.beats


def mark_file(session: Session) -> None:
    """Increase a counter in SQLite's first page, which tells which WAL belongs to the file (`app.db.sqlite_wal`)."""
    if session.get_bind().dialect.name == "sqlite":
        count = session.execute(text("PRAGMA user_version")).scalar_one()
        session.execute(text(f"PRAGMA user_version = {(int(count) + 1) % 2**31}"))

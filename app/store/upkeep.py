"""Rows of periodic work: whose turn it is, and where it is to go on."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from app.db.database import Database
from app.models import Upkeep
from app.models.base import table
from app.store.dialect import insert_new, insert_or_update

BALANCE, SNAPSHOT, SNAPSHOT_WRITTEN = "balance", "snapshot", "snapshot_written"
ORPHANS, VAULT_OWNER, SETTINGS = "vault_orphans", "vault_owner", "settings"
"""The `place` of the second is the id by which this database signs its store of files, that of the third is JSON."""
RELAY, BEAT = "relay", "beat"
"""Leases: who hands work to the broker, and who holds the schedule of what the clock starts."""

_LAST_AT = select(table(Upkeep).c.at).where(table(Upkeep).c.name == bindparam("name"))


def find(session: Session, name: str) -> Upkeep | None:
    """Return the row of a kind of work; None before its first turn."""
    return session.get(Upkeep, name)


def begin(session: Session, name: str, at: datetime) -> None:
    """Insert the row of a kind of work as if its last turn was at a time, unless there is one."""
    session.execute(insert_new(session, Upkeep), [{"name": name, "at": at}])


def forget(session: Session, name: str) -> None:
    """Delete the row of a kind of work."""
    session.execute(delete(Upkeep).where(Upkeep.name == name))


def take_turn(session: Session, name: str, now: datetime, before: datetime) -> bool:
    """Take the next turn if the last one was before a time; of several workers only one gets True."""
    rows = table(Upkeep)
    is_due = or_(rows.c.at.is_(None), rows.c.at < before)
    result = session.execute(update(rows).where(rows.c.name == name, is_due).values(at=now))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def hold(session: Session, name: str, holder: str, now: datetime, before: datetime) -> bool:
    """Take or renew a lease: its row is `holder`'s, or free, or was renewed last before a time."""
    rows = table(Upkeep)
    is_free = or_(rows.c.place == holder, rows.c.at.is_(None), rows.c.at < before)
    result = session.execute(update(rows).where(rows.c.name == name, is_free).values(at=now, place=holder))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def let_go(session: Session, name: str, holder: str, at: datetime) -> None:
    """Give a lease back by making it one that was renewed last at `at`; no change if another one holds it."""
    rows = table(Upkeep)
    session.execute(update(rows).where(rows.c.name == name, rows.c.place == holder).values(at=at, place=None))


def last_at(database: Database, name: str) -> datetime | None:
    """Return the time of the last turn, or of the last renewal of a lease. Takes no lock. Raises `Unavailable`."""
    return cast(datetime | None, database.look(_LAST_AT, {"name": name}))


def note(session: Session, name: str, **values: Any) -> None:
    """Set columns of the row of a kind of work; insert it if there is none."""
    statement = insert_or_update(session, Upkeep).on_conflict_do_update(index_elements=["name"], set_=values)
    session.execute(statement, [{"name": name, **values}])

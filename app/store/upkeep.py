"""Rows of periodic work: whose turn it is, and where it is to go on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, or_, update
from sqlalchemy.orm import Session

from app.models import Upkeep
from app.models.base import table
from app.store.dialect import insert_new, insert_or_update

BALANCE, SNAPSHOT, SNAPSHOT_WRITTEN = "balance", "snapshot", "snapshot_written"


def find(session: Session, name: str) -> Upkeep | None:
    """Return the row of a kind of work; None before its first turn."""
    return session.get(Upkeep, name)


def begin(session: Session, name: str, at: datetime) -> None:
    """Insert the row of a kind of work as if its last turn was at a time, unless there is one."""
    session.execute(insert_new(session, Upkeep), [{"name": name, "at": at}])


def take_turn(session: Session, name: str, now: datetime, before: datetime) -> bool:
    """Take the next turn if the last one was before a time; of several workers only one gets True."""
    rows = table(Upkeep)
    is_due = or_(rows.c.at.is_(None), rows.c.at < before)
    result = session.execute(update(rows).where(rows.c.name == name, is_due).values(at=now))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def note(session: Session, name: str, **values: Any) -> None:
    """Set columns of the row of a kind of work; insert it if there is none."""
    statement = insert_or_update(session, Upkeep).on_conflict_do_update(index_elements=["name"], set_=values)
    session.execute(statement, [{"name": name, **values}])

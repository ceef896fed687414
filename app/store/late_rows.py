"""Rows that are committed after rows with higher numbers, on PostgreSQL: a number is given before the commit.

Whoever reads a table by "everything after the last number that I have seen" must not pass such rows. Events and status
reports are written under one lock (`store.events.take_turn`), other tables by many at once.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.models.base import Base, table

_WRITERS = text(
    "SELECT DISTINCT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND relation = CAST(:name AS regclass)"
)
"""Transactions that have written to a table, or are about to: its lock is taken before a number and held until the
commit."""


class LateRows:
    """Tells up to which number a table's rows are complete. Not thread-safe.

    It remembers who was writing when it was asked: once all of these have ended, nothing can come any more below the
    highest number of then. So while somebody writes all the time, the answer is that of the call before.
    """

    def __init__(self, model: type[Base], number: Any) -> None:
        self._name = table(model).name
        self._last = select(func.max(number))
        self._complete = self._highest = 0
        self._writers: frozenset[str] = frozenset()

    def complete_up_to(self, session: Session) -> int:
        """Return a number; a transaction that begins after this call sees every row up to it that will ever be."""
        last = session.scalar(self._last) or 0
        if session.get_bind().dialect.name == "sqlite":
            return last
        # Read after `last`. Who has ended in between is not among them, and later transactions see its rows.
        writers = frozenset(session.scalars(_WRITERS, {"name": self._name}))
        if not writers:
            self._complete = last
        elif self._writers & writers:
            return self._complete
        elif self._writers:
            self._complete = self._highest
        self._highest, self._writers = last, writers
        return self._complete

"""Deliveries that a wrong clock has put off, or claimed, for longer than is possible."""

from __future__ import annotations

from datetime import datetime

from app.database import Database
from app.store import deliveries

AT_ONCE = 500


def disbelieve(database: Database, now: datetime) -> int:
    """Make them due, so many at once; return how many. Raises `Unavailable`. For a worker, once a minute."""
    with database.read() as session:
        ids = deliveries.impossible(session, now, AT_ONCE)
    if ids:
        with database.write() as session:
            deliveries.make_due(session, ids, now)
    return len(ids)

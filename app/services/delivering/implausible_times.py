"""Deliveries that nobody would try: put off or claimed for longer than is possible, or left behind by another."""

from __future__ import annotations

from datetime import datetime

from app.db.database import Database
from app.store import delivery_upkeep

AT_ONCE = 500


def disbelieve(database: Database, now: datetime) -> int:
    """Make them due, so many at once; return how many. Raises `Unavailable`. For a worker, once a minute.

    A wrong clock puts deliveries off. Nothing that is known leaves one behind; should it happen, it is late, not lost.
    """
    with database.read() as session:
        ids = delivery_upkeep.put_off(session, now, AT_ONCE) + delivery_upkeep.orphans(session, AT_ONCE)
    if ids:
        with database.write() as session:
            delivery_upkeep.make_due(session, ids, now)
    return len(ids)

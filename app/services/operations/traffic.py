"""Count messages and statuses shortly after they are written, so that statistics need not count a million rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.db.database import Database
from app.store import traffic, traffic_sources

SETTLED_AFTER = timedelta(seconds=10)
"""Minimum age of an attempt at a send or a delivery to be counted: on PostgreSQL, rows may be committed in another
order than begun."""

MINUTES_KEPT = timedelta(days=3)


def count_traffic(database: Database, now: datetime) -> bool:
    """Count a batch of new rows of each table; return True if there may be more. Raises `Unavailable`.

    The counts and the position reached are written in one transaction, so concurrent workers count nothing twice.
    """
    settled = now - SETTLED_AFTER
    sources: dict[str, Callable[[Session, int], traffic_sources.Counted]] = {
        "events": traffic_sources.of_events,
        "status_reports": traffic_sources.of_reports,
        "send_attempts": lambda session, after: traffic_sources.of_attempts(session, after, settled),
        "delivery_attempts": lambda session, after: traffic_sources.of_deliveries(session, after, settled),
    }
    return any([_count(database, source, read, now) for source, read in sources.items()])


def _count(
    database: Database, source: str, read: Callable[[Session, int], traffic_sources.Counted], now: datetime
) -> bool:
    with database.read() as session:
        old = traffic.counted_up_to(session, source)
        happened, new = read(session, old)
    if new == old:
        return False
    with database.write() as session:
        if traffic.advance(session, source, old, new):
            if happened:
                traffic.add(session, happened)
            traffic.purge_minutes(session, now - MINUTES_KEPT)
    return new - old >= traffic_sources.BATCH_SIZE

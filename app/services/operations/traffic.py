"""Count messages and statuses shortly after they are written, so that statistics need not count a million rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.db.database import Database
from app.models import DeliveryAttempt, SendAttempt
from app.store import traffic, traffic_sources
from app.store.late_rows import LateRows

MINUTES_KEPT = timedelta(days=3)

Read = Callable[[Session, int], traffic_sources.Counted]


class CountTraffic:
    """Counts new rows, a batch of each table in a call.

    The counts and the position reached are written in one transaction, so concurrent workers count nothing twice.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sends = LateRows(SendAttempt, SendAttempt.id)
        self._deliveries = LateRows(DeliveryAttempt, DeliveryAttempt.id)

    def __call__(self, now: datetime) -> bool:
        """Count a batch of each; return True if there may be more. Raises `Unavailable`."""
        with self._database.read() as session:
            sends, deliveries = self._sends.complete_up_to(session), self._deliveries.complete_up_to(session)
        sources: dict[str, Read] = {
            "events": traffic_sources.of_events,
            "status_reports": traffic_sources.of_reports,
            "send_attempts": lambda session, after: traffic_sources.of_attempts(session, after, sends),
            "delivery_attempts": lambda session, after: traffic_sources.of_deliveries(session, after, deliveries),
        }
        return any([self._count(source, read, now) for source, read in sources.items()])

    def _count(self, source: str, read: Read, now: datetime) -> bool:
        with self._database.read() as session:
            old = traffic.counted_up_to(session, source)
            happened, new = read(session, old)
        if new <= old:
            return False
        with self._database.write() as session:
            if traffic.advance(session, source, old, new):
                traffic.add(session, happened)
                traffic.purge_minutes(session, now - MINUTES_KEPT)
        return new - old >= traffic_sources.BATCH_SIZE

"""What time does to sends: a try without a process, an outcome nobody reports, a key nobody will use again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from app.database import Database
from app.services.idempotency import KEPT_FOR
from app.store import attempts, idempotency

ABANDONED_AFTER = timedelta(seconds=90)
"""Longer than any call to Graph may last: a try that is still `sending` then has lost its process."""

AT_ONCE = 100


class SettleSends:
    """Run now and then by a worker. Each looks first, and takes the write lock only if there is something to do."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def abandoned(self) -> int:
        """Mark tries that lost their process as `unknown`: they may have gone out. Return how many."""
        now = self._now()
        with self._database.read() as session:
            lost = attempts.find_abandoned(session, now - ABANDONED_AFTER, AT_ONCE)
        if not lost:
            return 0
        with self._database.write() as session:
            for attempt in lost:
                if attempts.end(session, attempt.message_id, attempt.number, state="unknown", now=now):
                    attempts.set_status(session, attempt.message_id, "unknown", ("sending",), updated_at=now)
        return len(lost)

    def unreported(self, after: timedelta) -> int:
        """Hold messages whose outcome has been unknown for longer than `after`, for a person. Return how many."""
        now = self._now()
        with self._database.read() as session:
            if not attempts.any_unknown(session, now - after):
                return 0
        with self._database.write() as session:
            return attempts.hold_unknown(session, now - after, now)

    def old_keys(self) -> None:
        """Forget the idempotency keys whose time is over."""
        before = self._now() - KEPT_FOR
        with self._database.read() as session:
            if not idempotency.any_from_before(session, before):
                return
        with self._database.write() as session:
            idempotency.forget(session, before)

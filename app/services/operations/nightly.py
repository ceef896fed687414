"""The audit, once a night."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from app.db import statement_timeout
from app.db.database import Database
from app.logs import get_logger
from app.services.operations.audit import audit_balance
from app.store import upkeep

AT_HOUR = 3
"""UTC."""

logger = get_logger(__name__)


class NightlyBalance:
    """Reconciles the tallies with the rows after three o'clock (UTC), in one of the workers."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def __call__(self) -> bool:
        """Reconcile if it is time, and store how many problems there are; a health check tells. Raises `Unavailable`.

        A new installation is first audited in its first night.
        """
        now = self._now()
        today = now.replace(hour=AT_HOUR, minute=0, second=0, microsecond=0)
        last = today if now >= today else today - timedelta(days=1)
        with self._database.read() as session:
            row = upkeep.find(session, upkeep.BALANCE)
        if row is not None and row.at is not None and row.at >= last:
            return False
        with self._database.write() as session:
            upkeep.begin(session, upkeep.BALANCE, now)
            is_mine = upkeep.take_turn(session, upkeep.BALANCE, now, last)
        if is_mine:
            with statement_timeout.of(None):
                problems = len(audit_balance(self._database, now=now).problems)
            with self._database.write() as session:
                upkeep.note(session, upkeep.BALANCE, place=str(problems))
            logger.log(30 if problems else 20, "the nightly audit ended", extra={"count": problems})
        return is_mine

"""Detect a wrong clock of this machine."""

from __future__ import annotations

from app import clock
from app.db.database import Database
from app.errors import Unavailable
from app.logs import get_logger

logger = get_logger(__name__)


class ClockCheck:
    """Compares this machine's clock with the database's, and logs when a difference begins and ends."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_logged = False

    def __call__(self) -> None:
        """Compare the clocks once. If the database is away, the last result stays."""
        try:
            self._database.keep_time()
        except Unavailable:
            return
        ahead = clock.machine_is_ahead()
        is_wrong = abs(ahead) > clock.TOLD
        if is_wrong != self._is_logged:
            self._is_logged = is_wrong
            extra = {"ahead_seconds": round(ahead.total_seconds(), 1)}
            if is_wrong:
                logger.warning("this machine's clock differs from the database's, which is gone by", extra=extra)
            else:
                logger.info("this machine's clock agrees with the database's again", extra=extra)

"""The alarm that the database cannot be written, which for that reason cannot be kept in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from app.db.write_health import Writes
from app.domain.alerts import story
from app.ids import new_id
from app.logs import get_logger
from app.services.alerts.channels import CannotTell, Way

KIND = "database_unwritable"
AFTER_SECONDS = 60.0
AGAIN_AFTER = timedelta(days=1)
TRY_AGAIN_AFTER = timedelta(minutes=1)

logger = get_logger(__name__)


class DatabaseAlarm:
    """Tells a person by every way there is, once, daily while it goes on, and when it is over. Asks no database.

    A worker says every few seconds that it is alive, so a minute without a write is one in which none went through.
    Each worker process tells by itself: there is nothing through which they could agree.
    """

    def __init__(self, writes: Writes, ways: Sequence[Way], now: Callable[[], datetime]) -> None:
        self._writes = writes
        self._ways = list(ways)
        self._now = now
        self._since: datetime | None = None
        self._again_at: datetime | None = None
        self._untold: list[tuple[Way, str, str]] = []
        self._try_at: datetime | None = None

    def __call__(self) -> bool:
        """Look, and tell what changed. For a thread of its own."""
        now, seconds = self._now(), self._writes.seconds_without()
        if seconds >= AFTER_SECONDS and (self._again_at is None or now >= self._again_at):
            is_new = self._since is None
            self._since = self._since or now - timedelta(seconds=seconds)
            self._again_at = now + AGAIN_AFTER
            self._change("raised" if is_new else "repeated", self._since)
        elif seconds < AFTER_SECONDS and self._since is not None:
            since, self._since, self._again_at = self._since, None, None
            self._change("closed", since)
        if self._untold and (self._try_at is None or now >= self._try_at):
            self._tell()
        return False

    def _change(self, action: str, since: datetime) -> None:
        reason = self._writes.trouble or "no write has come to an end"
        log = logger.info if action == "closed" else logger.error
        log("an alarm changed", extra={"kind": KIND, "state": action, "reason": reason})
        text = story(action, KIND, "", since, {} if action == "closed" else {"reason": reason})
        self._untold += [(way, text, new_id()) for way in self._ways]
        self._try_at = None

    def _tell(self) -> None:
        left = []
        for way, text, event_id in self._untold:
            try:
                way(text, event_id)
            except CannotTell as error:
                left.append((way, text, event_id))
                extra = {"kind": KIND, "reason": str(error)}
                logger.warning("an alarm could not be told; trying again", extra=extra)
        self._untold, self._try_at = left, self._now() + TRY_AGAIN_AFTER

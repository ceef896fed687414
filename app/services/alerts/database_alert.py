"""The alert that the database cannot be written. It is kept in memory, because the database cannot store it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from app.db.write_health import Writes
from app.domain.alerts import alert_text
from app.ids import new_id
from app.logs import get_logger
from app.services.alerts.channels import Channel, NotifyFailed

KIND = "database_unwritable"
AFTER_SECONDS = 60.0
"""How long no write must have succeeded."""

AGAIN_AFTER = timedelta(days=1)
"""Interval of repeated notifications while the alert stays open."""

TRY_AGAIN_AFTER = timedelta(minutes=1)
"""Pause before a failed notification is sent again."""

logger = get_logger(__name__)


class DatabaseAlert:
    """Notifies people by every channel once, daily while it lasts, and when it is over. Uses no database.

    A worker writes a heartbeat every few seconds, so a minute without a write is one in which none succeeded. Each
    worker process notifies by itself, because without a database they cannot coordinate.
    """

    def __init__(self, writes: Writes, channels: Sequence[Channel], now: Callable[[], datetime]) -> None:
        self._writes = writes
        self._channels = list(channels)
        self._now = now
        self._since: datetime | None = None
        self._again_at: datetime | None = None
        self._unsent: list[tuple[Channel, str, str]] = []
        self._try_at: datetime | None = None

    def __call__(self) -> bool:
        """Check once, and notify of a change. Returns False. Runs in a thread of its own."""
        now, seconds = self._now(), self._writes.seconds_without()
        if seconds >= AFTER_SECONDS and (self._again_at is None or now >= self._again_at):
            is_new = self._since is None
            self._since = self._since or now - timedelta(seconds=seconds)
            self._again_at = now + AGAIN_AFTER
            self._change("raised" if is_new else "repeated", self._since)
        elif seconds < AFTER_SECONDS and self._since is not None:
            since, self._since, self._again_at = self._since, None, None
            self._change("closed", since)
        if self._unsent and (self._try_at is None or now >= self._try_at):
            self._send()
        return False

    def _change(self, action: str, since: datetime) -> None:
        reason = self._writes.trouble or "no write has come to an end"
        log = logger.info if action == "closed" else logger.error
        log("an alert changed", extra={"kind": KIND, "state": action, "reason": reason})
        text = alert_text(action, KIND, "", since, {} if action == "closed" else {"reason": reason})
        self._unsent += [(channel, text, new_id()) for channel in self._channels]
        self._try_at = None

    def _send(self) -> None:
        left = []
        for channel, text, event_id in self._unsent:
            try:
                channel(text, event_id)
            except NotifyFailed as error:
                left.append((channel, text, event_id))
                extra = {"kind": KIND, "reason": str(error)}
                logger.warning("an alert could not be notified; trying again", extra=extra)
        self._unsent, self._try_at = left, self._now() + TRY_AGAIN_AFTER

"""Notify people of alerts by a POST to `ALERT_URL` and a mail to `ALERT_EMAIL`, with retries, from a worker."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from app.config.settings import Config
from app.db.database import Database
from app.logs import get_logger
from app.services.alerts.channels import Channel, MailChannel, NotifyFailed, WebhookChannel
from app.store import alerts, events, jobs
from app.store.jobs import Claim

POST, MAIL = "alert_url", "alert_email"
LEASE = timedelta(seconds=60)
"""Longer than one notification may take."""

PAUSES = (10, 60, 300, 900)
MAX_ATTEMPTS = 24
"""Attempts take some five hours, because the last pause is repeated. An open alert is repeated after a day anyway."""

logger = get_logger(__name__)


def channel_kinds(config: Config) -> tuple[str, ...]:
    """Return the job kinds of an alert's notifications: one for each channel that the settings configure."""
    return tuple(kind for kind, wanted in ((POST, config.alert_url), (MAIL, config.alert_email)) if wanted)


class NotifyAlerts:
    """Carries out the notification jobs that `Alerts` has written. Each call sends at most one per channel."""

    def __init__(self, config: Config, database: Database, now: Callable[[], datetime], version: str) -> None:
        self._database = database
        self._now = now
        self._channels: dict[str, Channel] = {}
        if config.alert_url:
            self._channels[POST] = WebhookChannel(config.alert_url, version)
        if config.alert_email:
            self._channels[MAIL] = MailChannel(config.smtp_url, config.alert_email)

    @property
    def channels(self) -> list[Channel]:
        """The channels that the settings configure."""
        return list(self._channels.values())

    def __call__(self) -> bool:
        """Send the due notifications, one per channel. Returns False when none was due. Raises `Unavailable`."""
        return any([self._send_next(kind, channel) for kind, channel in self._channels.items()])

    def _send_next(self, kind: str, channel: Channel) -> bool:
        now = self._now()
        if not jobs.any_due(self._database, kind, now):
            return False
        with self._database.write() as session:
            claims = jobs.claim(session, kind, now=now, lease=LEASE, limit=1)
        for claim in claims:
            self._send(claim, channel)
        return bool(claims)

    def _send(self, claim: Claim, channel: Channel) -> None:
        with self._database.read() as session:
            event = events.find_many(session, [claim.subject_id]).get(claim.subject_id)
        data: dict[str, Any] = json.loads(event.data) if event is not None else {}
        try:
            if data:
                channel(data["text"], claim.subject_id)
        except NotifyFailed as error:
            self._retry_later(claim, str(error))
            return
        with self._database.write() as session:
            jobs.finish(session, [claim])
            if data:
                alerts.mark_notified(session, data["alert"]["id"], self._now())

    def _retry_later(self, claim: Claim, reason: str) -> None:
        extra = {"kind": claim.kind, "reason": reason, "attempts": claim.attempts}
        with self._database.write() as session:
            if claim.attempts >= MAX_ATTEMPTS:
                jobs.finish(session, [claim])
                logger.error("an alert could not be notified; giving up", extra=extra)
                return
            pause = PAUSES[min(claim.attempts, len(PAUSES)) - 1]
            jobs.release(session, [claim], self._now() + timedelta(seconds=pause), reason)
        logger.warning("an alert could not be notified; trying again", extra=extra)

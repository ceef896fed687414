"""Telling a person: by a POST to `ALERT_URL` and a mail to `ALERT_EMAIL`, from a worker, until it has worked."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from app.config.settings import Config
from app.db.database import Database
from app.logs import get_logger
from app.services.alerts.channels import AlertMail, AlertPost, CannotTell, Way
from app.store import alerts, events, jobs
from app.store.jobs import Claim

POST, MAIL = "alert_url", "alert_email"
LEASE = timedelta(seconds=60)
"""Longer than one telling may take."""

PAUSES = (10, 60, 300, 900)
LAST_TRY = 24
"""With the last pause repeated that is some five hours; what goes on is raised again after a day anyway."""

logger = get_logger(__name__)


def channels(config: Config) -> tuple[str, ...]:
    """The kinds of the jobs that one alarm makes: one for each way that the settings name."""
    return tuple(kind for kind, wanted in ((POST, config.alert_url), (MAIL, config.alert_email)) if wanted)


class TellAlarms:
    """Works off the jobs that `Alarms` wrote, one at a time."""

    def __init__(self, config: Config, database: Database, now: Callable[[], datetime], version: str) -> None:
        self._database = database
        self._now = now
        self._ways: dict[str, Way] = {}
        if config.alert_url:
            self._ways[POST] = AlertPost(config.alert_url, version)
        if config.alert_email:
            self._ways[MAIL] = AlertMail(config.smtp_url, config.alert_email)

    @property
    def ways(self) -> list[Way]:
        """Every way to tell a person that the settings name."""
        return list(self._ways.values())

    def __call__(self) -> bool:
        """Tell what is due; False when nothing was. Raises `Unavailable`."""
        return any([self._next(kind, way) for kind, way in self._ways.items()])

    def _next(self, kind: str, way: Way) -> bool:
        now = self._now()
        if not jobs.any_due(self._database, kind, now):
            return False
        with self._database.write() as session:
            claims = jobs.claim(session, kind, now=now, lease=LEASE, limit=1)
        for claim in claims:
            self._tell(claim, way)
        return bool(claims)

    def _tell(self, claim: Claim, way: Way) -> None:
        with self._database.read() as session:
            event = events.find_many(session, [claim.subject_id]).get(claim.subject_id)
        data: dict[str, Any] = json.loads(event.data) if event is not None else {}
        try:
            if data:
                way(data["text"], claim.subject_id)
        except CannotTell as error:
            self._later(claim, str(error))
            return
        with self._database.write() as session:
            jobs.finish(session, [claim])
            if data:
                alerts.told(session, data["alert"]["id"], self._now())

    def _later(self, claim: Claim, reason: str) -> None:
        extra = {"kind": claim.kind, "reason": reason, "attempts": claim.attempts}
        with self._database.write() as session:
            if claim.attempts >= LAST_TRY:
                jobs.finish(session, [claim])
                logger.error("an alarm could not be told; giving up", extra=extra)
                return
            pause = PAUSES[min(claim.attempts, len(PAUSES)) - 1]
            jobs.release(session, [claim], self._now() + timedelta(seconds=pause), reason)
        logger.warning("an alarm could not be told; trying again", extra=extra)

"""Raise alerts once, repeat them daily while they stay open, and close them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.clock import iso_utc
from app.db.database import Database
from app.domain.alerts import KINDS, Finding, alert_text, describe
from app.ids import new_id
from app.logs import get_logger
from app.models import Alert
from app.services.events import append_events, event_row
from app.store import alerts, events, jobs

REPEAT_AFTER = timedelta(days=1)

logger = get_logger(__name__)


class Alerts:
    """Raises and closes alerts. Each change writes an event `gateway.alert`, and a notification job for each channel.

    `channels` are the kinds of these jobs. Alert, event and jobs are written in one transaction, so every stored alert
    is notified, and raising one does not wait for the notification.
    """

    def __init__(self, database: Database, channels: Sequence[str], now: Callable[[], datetime]) -> None:
        self._database = database
        self._channels = channels
        self._now = now

    def raise_alert(
        self,
        kind: str,
        subject: str = "",
        *,
        phone_number_id: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> bool:
        """Raise an alert, or repeat one that is open. Returns False if it was raised or repeated within a day.

        `kind` is one of `KINDS`. Costs one read while it is open. Raises `Unavailable`.
        """
        finding = Finding(subject, phone_number_id, details or {})
        with self._database.read() as session:
            known = alerts.find_open(session, kind, subject)
        if known is not None and not self.is_repeat_due(known):
            return False
        with self._database.write() as session:
            return self.raise_in(session, kind, finding)

    def close(self, kind: str, subject: str = "") -> bool:
        """Close an alert. Returns False if none is open. Raises `Unavailable`."""
        with self._database.read() as session:
            if alerts.find_open(session, kind, subject) is None:
                return False
        with self._database.write() as session:
            return self.close_in(session, kind, subject)

    def is_repeat_due(self, alert: Alert) -> bool:
        """Whether an open alert was last raised or repeated at least a day ago."""
        return alert.last_raised_at <= self._now() - REPEAT_AFTER

    def raise_in(self, session: Session, kind: str, finding: Finding) -> bool:
        """Do what `raise_alert` does within the caller's transaction. Takes the lock of `events.take_turn`."""
        if kind not in KINDS:
            raise ValueError(f"no alert is called {kind}")
        events.take_turn(session)
        now = self._now()
        row = {
            "id": new_id(),
            "kind": kind,
            "subject": finding.subject,
            "phone_number_id": finding.phone_number_id,
            "details": finding.details,
            "count": 1,
            "first_raised_at": now,
            "last_raised_at": now,
        }
        action = "raised"
        if not alerts.add(session, row):
            known = alerts.find_open(session, kind, finding.subject)
            if known is None or not alerts.raise_again(
                session, known.id, last_before=now - REPEAT_AFTER, now=now, details=finding.details
            ):
                return False
            action = "repeated"
        self._append_change(session, action, kind, finding.subject)
        return True

    def close_in(self, session: Session, kind: str, subject: str = "") -> bool:
        """Do what `close` does within the caller's transaction. Takes the lock of `events.take_turn`."""
        events.take_turn(session)
        known = alerts.find_open(session, kind, subject)
        if known is None or not alerts.close(session, known.id, self._now()):
            return False
        self._append_change(session, "closed", kind, subject, known)
        return True

    def _append_change(
        self, session: Session, action: str, kind: str, subject: str, closed: Alert | None = None
    ) -> None:
        alert = closed or alerts.find_open(session, kind, subject)
        assert alert is not None
        session.refresh(alert)
        now = self._now()
        event = event_row(
            "gateway.alert",
            _data(action, alert),
            now,
            key=f"gateway.alert:{alert.id}:{action}:{alert.count}",
            source="gateway",
            phone_number_id=alert.phone_number_id,
            waba_id=None if alert.phone_number_id else alert.details.get("waba_id"),
        )
        append_events(session, [event])
        for channel in self._channels:
            jobs.add(session, channel, event["id"], now)
        log = logger.info if action == "closed" else logger.warning
        log("an alert changed", extra={"kind": kind, "state": action, "phone_number_id": alert.phone_number_id})


def _data(action: str, alert: Alert) -> dict[str, Any]:
    """Return the data of the event."""
    return {
        "action": action,
        "text": alert_text(action, alert.kind, alert.subject, alert.first_raised_at, alert.details),
        "alert": {
            "id": alert.id,
            "kind": alert.kind,
            "subject": alert.subject,
            "message": describe(alert.kind, alert.subject),
            "phone_number_id": alert.phone_number_id,
            "details": alert.details,
            "count": alert.count,
            "first_raised_at": iso_utc(alert.first_raised_at),
            "last_raised_at": iso_utc(alert.last_raised_at),
            "closed_at": iso_utc(alert.closed_at) if alert.closed_at else None,
        },
    }

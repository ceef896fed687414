"""Process stored webhooks again, for example after an upgrade that understands more of them."""

from __future__ import annotations

from datetime import datetime

from app.db.database import Database
from app.errors import NotFound
from app.models import Notification
from app.services.audit_log import record_act
from app.services.delivering import replay_of_notifications
from app.store import notifications

BATCH_SIZE = 100
"""Notifications per transaction; each transaction holds the write lock."""


def replay_notification(database: Database, notification_id: str, now: datetime) -> Notification:
    """Queue one webhook for processing again, and return it. A pending one stays pending. Raises `NotFound`.

    Items that were processed stay as they are, without a second effect; items that were set aside are tried again.
    """
    if "\x00" in notification_id:
        raise NotFound("No notification has this id.")
    with database.write() as session:
        notifications.replay(session, [notification_id], now)
        row = notifications.find(session, notification_id)
        if row is None:
            raise NotFound("No notification has this id.")
        record_act(session, now, act="notification.replayed", subject=f"notification:{notification_id}")
    return row


def replay_notifications(
    database: Database, now: datetime, *, since: datetime | None, state: str | None, deliver: bool = False
) -> int:
    """Queue the webhooks received from `since` on, or in this state, for processing again; return their number.

    With `deliver`, their earlier events are delivered again, too; without, only new events are delivered.
    """
    count, after = 0, ""
    details = {"since": since.isoformat() if since else None, "state": state, "deliver": deliver}
    with database.write() as session:
        record_act(session, now, act="notifications.replayed", subject="notifications", details=details)
    while True:
        with database.read() as session:
            ids = notifications.read_ids(
                session, after=after, limit=BATCH_SIZE, until=now, since=since, state=state
            )
        if not ids:
            return count
        with database.write() as session:
            count += notifications.replay(session, ids, now)
        if deliver:
            replay_of_notifications(database, ids, now)
        after = ids[-1]

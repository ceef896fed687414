"""Answer the API's lists and look-ups of stored webhooks."""

from __future__ import annotations

from datetime import datetime

from app.db.database import Database
from app.errors import NotFound
from app.models import Notification, ParkedItem
from app.store import notification_list, notifications


def list_notifications(
    database: Database,
    *,
    limit: int,
    before: str | None,
    state: str | None,
    since: datetime | None,
    until: datetime | None,
) -> list[Notification]:
    """Return a page of notifications, newest first, without their raw bodies. Raises `Unavailable`."""
    with database.read() as session:
        return notification_list.page(session, limit=limit, before=before, state=state, since=since, until=until)


def find_notification(database: Database, notification_id: str) -> tuple[Notification, list[ParkedItem]]:
    """Return a notification with its raw body, and its items that were set aside. Raises `NotFound`."""
    with database.read() as session:
        row = notifications.find(session, notification_id) if "\x00" not in notification_id else None
        if row is None:
            raise NotFound("No notification has this id.")
        return row, notifications.find_set_aside(session, notification_id)

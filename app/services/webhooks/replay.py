"""Have kept webhooks read again: after an upgrade that understands more of them, or to be sure."""

from __future__ import annotations

from datetime import datetime

from app.db.database import Database
from app.errors import NotFound
from app.models import Notification
from app.services.delivering import replay_of_notifications
from app.store import notifications

BATCH_SIZE = 100
"""How many a transaction, which holds the write lock."""


def replay_notification(database: Database, notification_id: str, now: datetime) -> Notification:
    """Have one webhook read again, and return it. Raises `NotFound`. One that waits to be read goes on waiting.

    What was taken in stays as it is and has no second effect; what was set aside gets another chance.
    """
    if "\x00" in notification_id:
        raise NotFound("No notification has this id.")
    with database.write() as session:
        notifications.replay(session, [notification_id], now)
        row = notifications.find(session, notification_id)
    if row is None:
        raise NotFound("No notification has this id.")
    return row


def replay_notifications(
    database: Database, now: datetime, *, since: datetime | None, state: str | None, deliver: bool = False
) -> int:
    """Have all webhooks read again that were received from `since` on, or are in this state. Return how many.

    With `deliver` what they told of before is also delivered once more; without, only what is new is delivered.
    """
    count, after = 0, ""
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

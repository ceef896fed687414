"""Lists of notifications (stored webhooks)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session, defer

from app.ids import first_from
from app.models import Job, Notification
from app.store.notifications import PROCESS

SET_ASIDE = ("parked", "quarantined")
IS_SET_ASIDE = text("notifications.state IN ('parked', 'quarantined')")
"""The condition as the partial index has it: a database uses such an index only for queries with its condition."""

SLACK = timedelta(hours=1)
"""Largest difference between the clock in a notification's id and that of its `received_at`."""


def page(
    session: Session,
    *,
    limit: int,
    before: str | None,
    state: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Notification]:
    """Return notifications below the id `before`, newest first, without their raw bytes.

    There is no index on times or on the frequent states, because each index slows down receiving. An id begins with its
    time, and a pending notification has a job.
    """
    query = select(Notification).options(defer(Notification.raw, raiseload=True)).order_by(Notification.id.desc())
    if before is not None:
        query = query.where(Notification.id < before)
    if state is not None:
        query = query.where(Notification.state == state)
    if state in SET_ASIDE:
        query = query.where(IS_SET_ASIDE)
    if state == "pending":
        query = query.where(Notification.id.in_(select(Job.subject_id).where(Job.kind == PROCESS)))
    if since is not None:
        query = query.where(Notification.received_at >= since, Notification.id >= first_from(since - SLACK))
    if until is not None:
        query = query.where(Notification.received_at < until, Notification.id < first_from(until + SLACK))
    return list(session.scalars(query.limit(limit)))

"""Lists of kept webhooks."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session, defer

from app.models import Job, Notification
from app.store.notifications import PROCESS

SET_ASIDE = ("parked", "quarantined")
IS_SET_ASIDE = text("notifications.state IN ('parked', 'quarantined')")
"""As the index says it: a database takes an index of some rows only for who asks for some of these."""

SLACK = timedelta(hours=1)
"""How far the clock that made a webhook's id may have been from the one that noted its time."""


def page(
    session: Session,
    *,
    limit: int,
    before: str | None,
    state: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Notification]:
    """Newest first, without their raw bytes.

    There is no index of times, or of the states of the many: each would cost every webhook something on its way in. An
    id begins with its time, and what is pending has a job.
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
        query = query.where(Notification.received_at >= since, Notification.id >= _first_id(since - SLACK))
    if until is not None:
        query = query.where(Notification.received_at < until, Notification.id < _first_id(until + SLACK))
    return list(session.scalars(query.limit(limit)))


def _first_id(moment: datetime) -> str:
    """What no id made from this moment on is below."""
    return str(UUID(int=max(int(moment.timestamp() * 1000), 0) << 80))

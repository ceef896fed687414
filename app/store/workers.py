"""Rows of live processes: workers and web processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, func, insert, or_, select
from sqlalchemy.orm import Session

from app.models import Job, QueuedSend, WebSeen, WorkerSeen

SILENT_AFTER = timedelta(seconds=30)
"""A process whose row was not updated for this time counts as gone."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A worker's limits of sending: messages per second, whether `unknown` sends are sent again, and for how many
    seconds an `unknown` send waits for Meta's report."""

    messages_per_second: float
    resends_unknown: bool
    unknown_send_seconds: int


def seen(
    session: Session,
    worker_id: str,
    now: datetime,
    forget_before: datetime,
    host: str = "",
    ahead_seconds: float = 0.0,
    **of_settings: Any,
) -> None:
    """Record that a worker is alive, and by how many seconds its clock is ahead; delete rows older than
    `forget_before`.

    `of_settings` are the columns of `WorkerSeen` that describe its settings.
    """
    session.merge(WorkerSeen(id=worker_id, seen_at=now, host=host, clock_ahead_seconds=ahead_seconds, **of_settings))
    session.execute(delete(WorkerSeen).where(WorkerSeen.seen_at < forget_before))


def left(session: Session, worker_id: str) -> None:
    """Delete the row of a worker that ends."""
    session.execute(delete(WorkerSeen).where(WorkerSeen.id == worker_id))


def is_known(session: Session, worker_id: str) -> bool:
    """Return whether a worker still has its row: it was recorded as alive, and `take_place` has not removed it."""
    return session.get(WorkerSeen, worker_id) is not None


def take_place(session: Session, joined_at: datetime, now: datetime) -> None:
    """Delete the rows of silent workers that joined before `joined_at`. Such a worker that resumes must join anew."""
    gone = delete(WorkerSeen).where(WorkerSeen.joined_at < joined_at, WorkerSeen.seen_at <= now - SILENT_AFTER)
    session.execute(gone)


def living(session: Session, now: datetime) -> Sequence[WorkerSeen]:
    """Return live workers whose row has their settings, in the order in which they joined."""
    query = select(WorkerSeen).where(WorkerSeen.seen_at > now - SILENT_AFTER, WorkerSeen.settings.is_not(None))
    return session.scalars(query.order_by(WorkerSeen.joined_at, WorkerSeen.id)).all()


def web_seen(session: Session, web_id: str, now: datetime, forget_before: datetime, **values: Any) -> None:
    """Record that a web process is alive, with other `values` of its row; delete rows older than `forget_before`."""
    session.merge(WebSeen(id=web_id, seen_at=now, **values))
    session.execute(delete(WebSeen).where(WebSeen.seen_at < forget_before))


def living_web(session: Session, now: datetime) -> Sequence[WebSeen]:
    """Return live web processes, in the order in which they joined."""
    query = select(WebSeen).where(WebSeen.seen_at > now - SILENT_AFTER)
    return session.scalars(query.order_by(WebSeen.joined_at, WebSeen.id)).all()


def strictest(session: Session, now: datetime, own: Limits) -> Limits:
    """Return the strictest value of each limit among `own` and those of the live workers."""
    rows = living(session, now)
    return Limits(
        min([own.messages_per_second, *(row.messages_per_second for row in rows if row.messages_per_second)]),
        own.resends_unknown and all(row.resends_unknown is not False for row in rows),
        max([own.unknown_send_seconds, *(row.unknown_send_seconds or 0 for row in rows)]),
    )


def write_and_take_back(session: Session, row_id: str, now: datetime) -> None:
    """Insert a row and delete it: a commit proves that the database is writable, and no reader sees the row."""
    session.execute(insert(WorkerSeen), [{"id": row_id, "seen_at": now}])
    session.execute(delete(WorkerSeen).where(WorkerSeen.id == row_id))


def last_seen(session: Session) -> datetime | None:
    """Return the latest time at which a worker was recorded as alive; None if there never was one."""
    return session.scalar(select(func.max(WorkerSeen.seen_at)))


def wrong_clocks(session: Session, since: datetime, more_than: float) -> dict[str, float]:
    """Return, by host, by how many seconds clocks are ahead (negative: behind), if by more than `more_than` seconds.

    Reads the rows of workers that were alive at or after `since`.
    """
    query = select(WorkerSeen.host, WorkerSeen.clock_ahead_seconds).where(WorkerSeen.seen_at >= since)
    found = session.execute(query.where(func.abs(WorkerSeen.clock_ahead_seconds) > more_than))
    return {row.host or "": row.clock_ahead_seconds or 0.0 for row in found}


def oldest_due(session: Session, now: datetime) -> datetime | None:
    """Return the earliest `due_at` of all due jobs; None if none is due."""
    return session.scalar(select(func.min(Job.due_at)).where(Job.due_at <= now))


def has_work(session: Session, now: datetime) -> bool:
    """Return whether a job or a queued send is due, or a job is claimed by a worker."""
    job = select(exists().where(or_(Job.due_at <= now, Job.claim_id.is_not(None))))
    return bool(session.scalar(job) or session.scalar(select(exists().where(QueuedSend.due_at <= now))))


def seen_on(session: Session, host: str) -> datetime | None:
    """Return the latest time at which a worker on the machine `host` was recorded as alive; None if there is none."""
    return session.scalar(select(func.max(WorkerSeen.seen_at)).where(WorkerSeen.host == host))

"""Which worker processes are alive."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from app.models import Job, WorkerSeen


def seen(
    session: Session, worker_id: str, now: datetime, forget_before: datetime, host: str = "", ahead_seconds: float = 0.0
) -> None:
    """Say that a worker is alive, and how far its clock is ahead; forget those that have long been silent."""
    session.merge(WorkerSeen(id=worker_id, seen_at=now, host=host, clock_ahead_seconds=ahead_seconds))
    session.execute(delete(WorkerSeen).where(WorkerSeen.seen_at < forget_before))


def write_and_take_back(session: Session, row_id: str, now: datetime) -> None:
    """Write a row and delete it again: after the commit the database can be written, and nobody has seen the row."""
    session.execute(insert(WorkerSeen), [{"id": row_id, "seen_at": now}])
    session.execute(delete(WorkerSeen).where(WorkerSeen.id == row_id))


def last_seen(session: Session) -> datetime | None:
    """When any worker last said it was alive."""
    return session.scalar(select(func.max(WorkerSeen.seen_at)))


def wrong_clocks(session: Session, since: datetime, more_than: float) -> dict[str, float]:
    """By how many seconds the clocks of hosts are ahead whose workers were seen since then, if by more than this."""
    query = select(WorkerSeen.host, WorkerSeen.clock_ahead_seconds).where(WorkerSeen.seen_at >= since)
    found = session.execute(query.where(func.abs(WorkerSeen.clock_ahead_seconds) > more_than))
    return {row.host or "": row.clock_ahead_seconds or 0.0 for row in found}


def oldest_due(session: Session, now: datetime) -> datetime | None:
    """Since when the oldest job that nobody has done has been due."""
    return session.scalar(select(func.min(Job.due_at)).where(Job.due_at <= now))

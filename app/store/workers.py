"""Which worker processes are alive."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from app.models import Job, WorkerSeen


def seen(session: Session, worker_id: str, now: datetime, forget_before: datetime) -> None:
    """Say that a worker is alive, and forget those that have long been silent."""
    session.merge(WorkerSeen(id=worker_id, seen_at=now))
    session.execute(delete(WorkerSeen).where(WorkerSeen.seen_at < forget_before))


def write_and_take_back(session: Session, row_id: str, now: datetime) -> None:
    """Write a row and delete it again: after the commit the database can be written, and nobody has seen the row."""
    session.execute(insert(WorkerSeen), [{"id": row_id, "seen_at": now}])
    session.execute(delete(WorkerSeen).where(WorkerSeen.id == row_id))


def last_seen(session: Session) -> datetime | None:
    """When any worker last said it was alive."""
    return session.scalar(select(func.max(WorkerSeen.seen_at)))


def oldest_due(session: Session, now: datetime) -> datetime | None:
    """Since when the oldest job that nobody has done has been due."""
    return session.scalar(select(func.min(Job.due_at)).where(Job.due_at <= now))

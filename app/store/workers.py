"""Which processes are alive: workers, and those that answer requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from app.models import Job, WebSeen, WorkerSeen

SILENT_AFTER = timedelta(seconds=30)
"""A worker that has said nothing for so long counts as gone."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast and how boldly may be sent: messages per second, and what becomes of a send with an unknown outcome."""

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
    """Say that a worker is alive, and how far its clock is ahead; forget those that have long been silent.

    `of_settings` are columns of `WorkerSeen` that tell of its settings.
    """
    session.merge(WorkerSeen(id=worker_id, seen_at=now, host=host, clock_ahead_seconds=ahead_seconds, **of_settings))
    session.execute(delete(WorkerSeen).where(WorkerSeen.seen_at < forget_before))


def left(session: Session, worker_id: str) -> None:
    """Say that a worker is no more."""
    session.execute(delete(WorkerSeen).where(WorkerSeen.id == worker_id))


def is_known(session: Session, worker_id: str) -> bool:
    """Whether a worker has a row: it has said that it is alive, and nobody has taken its place."""
    return session.get(WorkerSeen, worker_id) is not None


def take_place(session: Session, joined_at: datetime, now: datetime) -> None:
    """Remove workers that joined before and are silent. One that wakes up finds that, and is a newcomer."""
    gone = delete(WorkerSeen).where(WorkerSeen.joined_at < joined_at, WorkerSeen.seen_at <= now - SILENT_AFTER)
    session.execute(gone)


def living(session: Session, now: datetime) -> Sequence[WorkerSeen]:
    """The workers that are alive and told of their settings, the one that has been so for longest first."""
    query = select(WorkerSeen).where(WorkerSeen.seen_at > now - SILENT_AFTER, WorkerSeen.settings.is_not(None))
    return session.scalars(query.order_by(WorkerSeen.joined_at, WorkerSeen.id)).all()


def web_seen(session: Session, web_id: str, now: datetime, forget_before: datetime, **values: Any) -> None:
    """Say that a web process is alive, with the other `values` of its row; forget those that have long been silent."""
    session.merge(WebSeen(id=web_id, seen_at=now, **values))
    session.execute(delete(WebSeen).where(WebSeen.seen_at < forget_before))


def living_web(session: Session, now: datetime) -> Sequence[WebSeen]:
    """The web processes that are alive, the one that has been so for longest first."""
    query = select(WebSeen).where(WebSeen.seen_at > now - SILENT_AFTER)
    return session.scalars(query.order_by(WebSeen.joined_at, WebSeen.id)).all()


def strictest(session: Session, now: datetime, own: Limits) -> Limits:
    """The strictest of each limit among the workers that are alive and `own`."""
    rows = living(session, now)
    return Limits(
        min([own.messages_per_second, *(row.messages_per_second for row in rows if row.messages_per_second)]),
        own.resends_unknown and all(row.resends_unknown is not False for row in rows),
        max([own.unknown_send_seconds, *(row.unknown_send_seconds or 0 for row in rows)]),
    )


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

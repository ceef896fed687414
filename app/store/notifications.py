"""Raw webhooks and the items of them that were set aside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session, defer

from app.models import Job, Notification, ParkedItem
from app.models.base import table

PROCESS = "process"

_insert_notification = insert(table(Notification))
_insert_job = insert(table(Job))


def keep(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert webhooks as they came, each with the job that will read it."""
    session.execute(_insert_notification, rows)
    session.execute(
        _insert_job,
        [
            {
                "kind": PROCESS,
                "subject_id": row["id"],
                "due_at": row["received_at"],
                "attempts": 0,
                "request_id": row["request_id"],
                "created_at": row["received_at"],
            }
            for row in rows
        ],
    )


def replay(session: Session, ids: Sequence[str], now: datetime) -> int:
    """Make these notifications pending again, each with a job that will read it; return how many that were.

    One that is pending already has its job.
    """
    begun = session.execute(
        update(Notification)
        .where(Notification.id.in_(ids), Notification.state != "pending")
        .values(state="pending")
        .returning(Notification.id, Notification.request_id)
        .execution_options(synchronize_session=False)
    ).all()
    if begun:
        jobs = [
            {"kind": PROCESS, "subject_id": row.id, "due_at": now, "attempts": 0, "request_id": row.request_id,
             "created_at": now}
            for row in begun
        ]  # fmt: skip
        session.execute(_insert_job, jobs)
    return len(begun)


def find_many(session: Session, ids: Sequence[str]) -> dict[str, Notification]:
    """The notifications of these ids, with their raw bytes."""
    return {row.id: row for row in session.scalars(select(Notification).where(Notification.id.in_(ids)))}


def find(session: Session, notification_id: str) -> Notification | None:
    """One notification, with its raw bytes."""
    return session.get(Notification, notification_id)


def finish(session: Session, outcomes: Sequence[dict[str, Any]]) -> None:
    """Record what became of notifications: `state`, `reason`, `items`, `books` and `processed_at`, by `id`."""
    columns = ("state", "reason", "processed_at", "items", "books")
    target = table(Notification)
    statement = update(target).where(target.c.id == bindparam("notification_id"))
    session.execute(
        statement.values({name: bindparam(f"new_{name}", type_=target.c[name].type) for name in columns}),
        [
            {"notification_id": outcome["id"]} | {f"new_{name}": outcome.get(name) for name in columns}
            for outcome in outcomes
        ],
    )


def set_aside(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Keep items that were not taken in, replacing what an earlier reading of the same ones set aside."""
    for row in rows:
        session.execute(
            delete(ParkedItem).where(
                ParkedItem.notification_id == row["notification_id"], ParkedItem.position == row["position"]
            )
        )
    session.execute(insert(ParkedItem), rows)


def forget_set_aside(session: Session, ids: Sequence[str]) -> None:
    """Forget what earlier readings of these notifications set aside."""
    statement = delete(ParkedItem).where(ParkedItem.notification_id.in_(ids))
    session.execute(statement.execution_options(synchronize_session=False))


def find_set_aside(session: Session, notification_id: str) -> list[ParkedItem]:
    """The parked and quarantined items of a notification, in their order."""
    query = select(ParkedItem).where(ParkedItem.notification_id == notification_id).order_by(ParkedItem.position)
    return list(session.scalars(query))


def read_ids(
    session: Session, *, after: str, limit: int, until: datetime, since: datetime | None, state: str | None
) -> list[str]:
    """Ids of notifications that were read once, ascending from `after`, received between two times."""
    query = select(Notification.id).where(Notification.id > after, Notification.received_at <= until)
    query = query.where(Notification.state != "pending" if state is None else Notification.state == state)
    if since is not None:
        query = query.where(Notification.received_at >= since)
    return list(session.scalars(query.order_by(Notification.id).limit(limit)))


def page(
    session: Session,
    *,
    limit: int,
    before: str | None,
    state: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Notification]:
    """Newest first, without their raw bytes."""
    query = select(Notification).options(defer(Notification.raw, raiseload=True)).order_by(Notification.id.desc())
    if before is not None:
        query = query.where(Notification.id < before)
    if state is not None:
        query = query.where(Notification.state == state)
    if since is not None:
        query = query.where(Notification.received_at >= since)
    if until is not None:
        query = query.where(Notification.received_at < until)
    return list(session.scalars(query.limit(limit)))

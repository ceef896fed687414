"""Notifications (raw webhook bodies), and their items that were set aside as parked or quarantined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from app.db.database import HAS_WORK
from app.db.plain_connection import Executes
from app.models import Job, Notification, ParkedItem
from app.models.base import table
from app.store.dialect import array_text, with_lists
from app.store.many_rows import InsertMany, UpdateMany, as_moment

PROCESS = "process"

_insert_notifications = InsertMany(
    Notification, "id", "received_at", "raw", "verified_by", "state", "request_id"
)
_insert_jobs = InsertMany(Job, "kind", "subject_id", "due_at", "attempts", "request_id", "order_keys", "created_at")

# The order is kept, because the serial numbers of jobs must follow it. Bodies are in the binary format, for which
# nothing is quoted; texts have no length, because a cast to `varchar(n)` would cut a longer one silently.
_KEEP_ON_POSTGRESQL = f"""
WITH given AS (
  SELECT * FROM unnest(%s::text[], %s::timestamptz[], %b::bytea[], %s::text[], %s::text[], %s::text[])
  WITH ORDINALITY AS each (id, received_at, raw, verified_by, request_id, order_keys, place)
), kept AS (
  INSERT INTO notifications (id, received_at, raw, verified_by, state, request_id)
  SELECT id, received_at, raw, verified_by, 'pending', request_id FROM given ORDER BY place
)
INSERT INTO jobs (kind, subject_id, due_at, attempts, request_id, order_keys, created_at)
SELECT '{PROCESS}', id, received_at, 0, request_id, order_keys, received_at FROM given ORDER BY place
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A webhook as it was received; `verified_by` is the app that signed it."""

    id: str
    received_at: datetime
    raw: bytes
    verified_by: str
    request_id: str
    order_keys: str | None = None


def keep(connection: Executes, webhooks: Sequence[Kept]) -> None:
    """Insert webhooks, each with the job that processes it: on PostgreSQL with one statement, which needs no
    transaction around it."""
    if connection.dialect.name == "postgresql":
        columns = (
            array_text(w.id for w in webhooks), array_text(as_moment(w.received_at) for w in webhooks),
            [w.raw for w in webhooks], array_text(w.verified_by for w in webhooks),
            array_text(w.request_id for w in webhooks), array_text(w.order_keys for w in webhooks),
        )  # fmt: skip
        connection.exec_driver_sql(_KEEP_ON_POSTGRESQL, columns)
        return
    _insert_notifications(
        connection, [(w.id, w.received_at, w.raw, w.verified_by, "pending", w.request_id) for w in webhooks]
    )
    _insert_jobs(
        connection, [(PROCESS, w.id, w.received_at, 0, w.request_id, w.order_keys, w.received_at) for w in webhooks]
    )


def replay(session: Session, ids: Sequence[str], now: datetime) -> int:
    """Make notifications pending again, each with a job that processes it; return their number.

    Leaves out those that are pending already, and erased ones, whose body is empty. The new jobs have no order keys,
    because the events of a replayed notification have their sequence already.
    """
    begun = session.execute(
        update(Notification)
        .where(Notification.id.in_(ids), Notification.state != "pending", func.length(Notification.raw) > 0)
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
        session.execute(insert(table(Job)), jobs)
        session.info[HAS_WORK] = True
    return len(begun)


_TABLE = table(Notification)
_ROWS_OF = with_lists(
    lambda among: select(
        _TABLE.c.id, _TABLE.c.received_at, _TABLE.c.raw, _TABLE.c.verified_by, _TABLE.c.processed_at
    ).where(among(_TABLE.c.id, "ids"))
)


def rows_of(session: Session, ids: Sequence[str]) -> dict[str, Any]:
    """Return plain rows by id, with `id`, `received_at`, `raw`, `verified_by` and `processed_at`."""
    return {row.id: row for row in session.execute(_ROWS_OF(session), {"ids": list(ids)})}


def find_many(session: Session, ids: Sequence[str]) -> dict[str, Notification]:
    """Return notifications by id, with their raw bytes."""
    return {row.id: row for row in session.scalars(select(Notification).where(Notification.id.in_(ids)))}


def find(session: Session, notification_id: str) -> Notification | None:
    """Return a notification with its raw bytes, or None."""
    return session.get(Notification, notification_id)


_OUTCOME = ("state", "reason", "processed_at", "items", "books")
_finish = UpdateMany(
    Notification,
    {"of_id": "id"} | {f"new_{name}": name for name in _OUTCOME},
    ", ".join(f"{name} = {{new_{name}}}" for name in _OUTCOME),
    "id = {of_id}",
)


def finish(session: Session, outcomes: Sequence[dict[str, Any]]) -> None:
    """Store the outcome of notifications: `state`, `reason`, `items`, `books` and `processed_at`, by `id`."""
    _finish(session.connection(), [(each["id"], *map(each.get, _OUTCOME)) for each in outcomes])


_ASIDE = table(ParkedItem)
_FORGET_ITEM = delete(_ASIDE).where(
    _ASIDE.c.notification_id == bindparam("of_notification"), _ASIDE.c.position == bindparam("at_position")
)
_SET_ASIDE = insert(_ASIDE)


def set_aside(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store items that were set aside, replacing those that an earlier run stored at the same positions."""
    places = [{"of_notification": row["notification_id"], "at_position": row["position"]} for row in rows]
    session.execute(_FORGET_ITEM, places)
    session.execute(_SET_ASIDE, rows)


def clear_set_aside(session: Session, ids: Sequence[str]) -> None:
    """Delete the items of these notifications that earlier runs set aside."""
    statement = delete(ParkedItem).where(ParkedItem.notification_id.in_(ids))
    session.execute(statement.execution_options(synchronize_session=False))


def find_set_aside(session: Session, notification_id: str) -> list[ParkedItem]:
    """Return the parked and quarantined items of a notification, by position."""
    query = select(ParkedItem).where(ParkedItem.notification_id == notification_id).order_by(ParkedItem.position)
    return list(session.scalars(query))


def read_ids(
    session: Session, *, after: str, limit: int, until: datetime, since: datetime | None, state: str | None
) -> list[str]:
    """Return ids above `after`, ascending, of notifications received from `since` until `until`.

    Without a `state`, those that were processed at least once.
    """
    query = select(Notification.id).where(Notification.id > after, Notification.received_at <= until)
    query = query.where(Notification.state != "pending" if state is None else Notification.state == state)
    if since is not None:
        query = query.where(Notification.received_at >= since)
    return list(session.scalars(query.order_by(Notification.id).limit(limit)))

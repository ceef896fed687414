"""The queue of sends, and batches."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, bindparam, delete, exists, func, insert, select, union_all, update
from sqlalchemy.orm import Session

from app.db.database import HAS_WORK, Database
from app.domain.outbound import Priority
from app.models import Batch, Job, Message, QueuedSend
from app.models.base import UtcDateTime, table
from app.store.dialect import with_lists
from app.store.meta_uploads import AWAITING

NEVER = datetime.fromisoformat("9000-01-01T00:00:00+00:00")
"""The `due_at` of sends that are held, whose batch is paused, or whose files are not at Meta yet."""

_AS_IT_IS = {"synchronize_session": False}
_TABLE = table(QueuedSend)
_KEYS = _TABLE.c.keys()
_ANY_DUE = select(exists().where(_TABLE.c.due_at <= bindparam("now", type_=UtcDateTime)))
_REMOVE = with_lists(lambda among: delete(_TABLE).where(among(_TABLE.c.message_id, "ids")))
_AWAITING_MEDIA = select(Job.subject_id).where(Job.kind == AWAITING)
Row = dict[str, Any]
"""A row of the queue: the values of `models.QueuedSend` by the names of its attributes."""


def to_row(values: Sequence[Any]) -> Row:
    """Build a row from the values of all columns of the table, in their order."""
    return dict(zip(_KEYS, values, strict=True))


def add(session: Session, rows: Sequence[Row]) -> None:
    """Insert sends into the queue. Their messages must be inserted already."""
    session.info[HAS_WORK] = True
    session.execute(insert(_TABLE), rows)


def any_due(database: Database, now: datetime) -> bool:
    """Return whether any send is due. Takes no lock. Raises `Unavailable`."""
    return database.is_any(_ANY_DUE, {"now": now})


def _next_of_rank(rank: int) -> Any:
    columns = _TABLE.c
    is_next = (
        columns.phone_number_id == bindparam("number"),
        columns.rank == rank,
        columns.due_at <= bindparam("now", type_=UtcDateTime),
        columns.expires_at > bindparam("now", type_=UtcDateTime),
    )
    ordered = select(_TABLE).where(*is_next).order_by(columns.due_at, columns.message_id)
    return select(ordered.limit(bindparam("most", type_=Integer)).subquery())


_NEXT = union_all(*(_next_of_rank(priority.rank) for priority in Priority))
"""One query per rank, so that the index skips the sends of a higher priority that are due later."""


def next_due(session: Session, phone_number_id: str, now: datetime, limit: int) -> list[Row]:
    """Return at most `limit` due sends of a number, ordered by rank and then by `due_at`."""
    given = {"number": phone_number_id, "now": now, "most": limit}
    found = [to_row(values) for values in session.execute(_NEXT, given)]
    return sorted(found, key=lambda row: (row["rank"], row["due_at"], row["message_id"]))[:limit]


def remove(session: Session, message_ids: Collection[str]) -> None:
    """Delete sends from the queue."""
    session.execute(_REMOVE(session), {"ids": list(message_ids)})


def postpone(session: Session, message_id: str, due_at: datetime) -> None:
    """Make a send due at `due_at`."""
    statement = update(QueuedSend).where(QueuedSend.message_id == message_id).values(due_at=due_at)
    session.execute(statement.execution_options(**_AS_IT_IS))


def find_expired(session: Session, now: datetime, limit: int) -> dict[str, int]:
    """Return the rank of each queued message whose `expires_at` has passed, by message id. Held ones do not expire."""
    query = select(QueuedSend.message_id, QueuedSend.rank).join(Message, Message.id == QueuedSend.message_id)
    query = query.where(QueuedSend.expires_at <= now, Message.status != "held").order_by(QueuedSend.expires_at)
    return {row.message_id: row.rank for row in session.execute(query.limit(limit))}


def wanted_before(session: Session, phone_number_id: str, before: datetime, limit: int) -> list[Row]:
    """Return rows of the number's queued messages with `wanted_at` before a time."""
    query = select(_TABLE).join(Message, Message.id == _TABLE.c.message_id)
    query = query.where(_TABLE.c.phone_number_id == phone_number_id, _TABLE.c.wanted_at < before)
    return [to_row(values) for values in session.execute(query.where(Message.status == "queued").limit(limit))]


def find(session: Session, message_id: str) -> QueuedSend | None:
    """Return the row of a message; None if it is not in the queue."""
    return session.get(QueuedSend, message_id)


def postpone_many(session: Session, message_ids: Collection[str], due_at: datetime) -> None:
    """Make sends due at `due_at`."""
    statement = update(QueuedSend).where(QueuedSend.message_id.in_(message_ids)).values(due_at=due_at)
    session.execute(statement.execution_options(**_AS_IT_IS))


def ids_of_batch(session: Session, batch_id: str) -> list[str]:
    """Return the ids of the batch's messages in the queue."""
    return list(session.scalars(select(QueuedSend.message_id).where(QueuedSend.batch_id == batch_id)))


def postpone_batch(session: Session, batch_id: str, due_at: datetime | None) -> None:
    """Make a batch's queued sends due at `due_at`; with None, at their `wanted_at`.

    Held ones are not changed. Those whose files are not at Meta yet become due when they are, and not before.
    """
    value = QueuedSend.wanted_at if due_at is None else due_at
    waiting = select(Message.id).where(Message.batch_id == batch_id, Message.status == "queued")
    statement = update(QueuedSend).where(QueuedSend.message_id.in_(waiting)).values(due_at=value)
    if due_at is None:
        statement = statement.where(QueuedSend.message_id.not_in(_AWAITING_MEDIA))
    session.execute(statement.execution_options(**_AS_IT_IS))


def depth(session: Session, phone_number_id: str) -> dict[int, int]:
    """Count the number's sends in the queue by rank."""
    query = select(QueuedSend.rank, func.count()).where(QueuedSend.phone_number_id == phone_number_id)
    return {rank: count for rank, count in session.execute(query.group_by(QueuedSend.rank))}


def find_batch(session: Session, batch_id: str, numbers: tuple[str, ...] | None) -> Batch | None:
    """Return a batch of one of these numbers (None: of any); None if there is none."""
    found = session.get(Batch, batch_id)
    return found if found is not None and (numbers is None or found.phone_number_id in numbers) else None


def lock_batch(session: Session, batch_id: str) -> str | None:
    """Return a batch's state and lock its row until the transaction ends."""
    return session.scalar(select(Batch.state).where(Batch.id == batch_id).with_for_update())


def batch_state(session: Session, batch_id: str | None) -> str | None:
    """Return a batch's state; None without a batch."""
    return session.scalar(select(Batch.state).where(Batch.id == batch_id)) if batch_id is not None else None


def list_batches(
    session: Session, *, limit: int, before: str | None, numbers: tuple[str, ...] | None
) -> list[Batch]:
    """Return batches, newest first, after the one with the id `before`."""
    query = select(Batch).order_by(Batch.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Batch.id < before)
    if numbers is not None:
        query = query.where(Batch.phone_number_id.in_(numbers))
    return list(session.scalars(query))


def count_by_status(session: Session, batch_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """Count the messages of each batch by status."""
    query = select(Message.batch_id, Message.status, func.count()).where(Message.batch_id.in_(batch_ids))
    found: dict[str, dict[str, int]] = {batch_id: {} for batch_id in batch_ids}
    for batch_id, status, count in session.execute(query.group_by(Message.batch_id, Message.status)):
        found[str(batch_id)][status] = count
    return found


def messages_of_batch(session: Session, batch_id: str, status: str, limit: int) -> list[str]:
    """Return the ids of a batch's messages in a status."""
    query = select(Message.id).where(Message.batch_id == batch_id, Message.status == status)
    return list(session.scalars(query.order_by(Message.id).limit(limit)))

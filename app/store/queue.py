"""The queue of sends."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, bindparam, delete, exists, func, insert, select, union_all, update
from sqlalchemy.orm import Session

from app.db.database import Database
from app.models import Batch, Message, QueuedSend
from app.models.base import UtcDateTime, table
from app.store.dialect import with_lists

NEVER = datetime.fromisoformat("9000-01-01T00:00:00+00:00")
"""When something is due that somebody has put on hold."""

_AS_IT_IS = {"synchronize_session": False}
_TABLE = table(QueuedSend)
_ANY_DUE = select(exists().where(_TABLE.c.due_at <= bindparam("now", type_=UtcDateTime)))
_REMOVE = with_lists(lambda among: delete(_TABLE).where(among(_TABLE.c.message_id, "ids")))
LANES = (0, 1, 2)

Row = dict[str, Any]
"""A row of the queue: `models.QueuedSend` by the names of its columns."""


def add(session: Session, rows: Sequence[Row]) -> None:
    """Queue sends; their messages must be there already."""
    session.execute(insert(_TABLE), rows)


def any_due(database: Database, now: datetime) -> bool:
    """Whether anything waits that may go, as far as time is concerned. Raises `Unavailable`."""
    return bool(database.look(_ANY_DUE, {"now": now}))


def _next_of_lane(lane: int) -> Any:
    columns = _TABLE.c
    is_next = (
        columns.phone_number_id == bindparam("number"),
        columns.lane == lane,
        columns.due_at <= bindparam("now", type_=UtcDateTime),
        columns.expires_at > bindparam("now", type_=UtcDateTime),
    )
    ordered = select(_TABLE).where(*is_next).order_by(columns.due_at, columns.message_id)
    return select(ordered.limit(bindparam("most", type_=Integer)).subquery())


_NEXT = union_all(*(_next_of_lane(lane) for lane in LANES))
"""Lane by lane, so that what waits in one for a later time is not looked at before the next lane's turn comes."""


def next_of(session: Session, phone_number_id: str, now: datetime, most: int) -> list[Row]:
    """At most so many of the number's next sends: lane by lane, in the order in which they fell due."""
    given = {"number": phone_number_id, "now": now, "most": most}
    found = [dict(row) for row in session.execute(_NEXT, given).mappings()]
    return sorted(found, key=lambda row: (row["lane"], row["due_at"], row["message_id"]))[:most]


def remove(session: Session, message_ids: Collection[str]) -> None:
    """Take sends out of the queue."""
    session.execute(_REMOVE(session), {"ids": list(message_ids)})


def postpone(session: Session, message_id: str, due_at: datetime) -> None:
    """Look at a send again only from `due_at` on."""
    statement = update(QueuedSend).where(QueuedSend.message_id == message_id).values(due_at=due_at)
    session.execute(statement.execution_options(**_AS_IT_IS))


def expired(session: Session, now: datetime, limit: int) -> dict[str, int]:
    """Messages whose time is over while they still wait, each with its lane."""
    query = select(QueuedSend.message_id, QueuedSend.lane).join(Message, Message.id == QueuedSend.message_id)
    query = query.where(QueuedSend.expires_at <= now, Message.status != "held").order_by(QueuedSend.expires_at)
    return {row.message_id: row.lane for row in session.execute(query.limit(limit))}


def wanted_before(session: Session, phone_number_id: str, before: datetime, limit: int) -> list[Row]:
    """The rows of the number's messages that should have gone before `before` and still wait."""
    query = select(_TABLE).join(Message, Message.id == _TABLE.c.message_id)
    query = query.where(_TABLE.c.phone_number_id == phone_number_id, _TABLE.c.wanted_at < before)
    rows = session.execute(query.where(Message.status == "queued").limit(limit)).mappings()
    return [dict(row) for row in rows]


def find(session: Session, message_id: str) -> QueuedSend | None:
    """A message's place in the queue."""
    return session.get(QueuedSend, message_id)


def set_due_of(session: Session, message_ids: Collection[str], due_at: datetime) -> None:
    """Put waiting sends off until `due_at`."""
    statement = update(QueuedSend).where(QueuedSend.message_id.in_(message_ids)).values(due_at=due_at)
    session.execute(statement.execution_options(**_AS_IT_IS))


def of_batch(session: Session, batch_id: str) -> list[str]:
    """A batch's messages that still wait."""
    return list(session.scalars(select(QueuedSend.message_id).where(QueuedSend.batch_id == batch_id)))


def set_due(session: Session, batch_id: str, due_at: datetime | None) -> None:
    """Put a batch's waiting sends off until `due_at`; with None, back to when they were wanted. Not what is held."""
    value = QueuedSend.wanted_at if due_at is None else due_at
    waiting = select(Message.id).where(Message.batch_id == batch_id, Message.status == "queued")
    statement = update(QueuedSend).where(QueuedSend.message_id.in_(waiting)).values(due_at=value)
    session.execute(statement.execution_options(**_AS_IT_IS))


def depth(session: Session, phone_number_id: str) -> dict[int, int]:
    """How many sends of the number wait, by lane."""
    query = select(QueuedSend.lane, func.count()).where(QueuedSend.phone_number_id == phone_number_id)
    return {lane: count for lane, count in session.execute(query.group_by(QueuedSend.lane))}


def find_batch(session: Session, batch_id: str, numbers: tuple[str, ...] | None) -> Batch | None:
    """A batch, if it is of one of these numbers."""
    found = session.get(Batch, batch_id)
    return found if found is not None and (numbers is None or found.phone_number_id in numbers) else None


def hold_batch(session: Session, batch_id: str) -> str | None:
    """A batch's state, which nobody else can change until this transaction ends."""
    return session.scalar(select(Batch.state).where(Batch.id == batch_id).with_for_update())


def batch_state(session: Session, batch_id: str | None) -> str | None:
    """A batch's state; None where there is no batch."""
    return session.scalar(select(Batch.state).where(Batch.id == batch_id)) if batch_id is not None else None


def batches(
    session: Session, *, limit: int, before: str | None, numbers: tuple[str, ...] | None
) -> list[Batch]:
    """Newest first, below the batch that `before` names."""
    query = select(Batch).order_by(Batch.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Batch.id < before)
    if numbers is not None:
        query = query.where(Batch.phone_number_id.in_(numbers))
    return list(session.scalars(query))


def counts(session: Session, batch_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """How many messages of each batch are in which status."""
    query = select(Message.batch_id, Message.status, func.count()).where(Message.batch_id.in_(batch_ids))
    found: dict[str, dict[str, int]] = {batch_id: {} for batch_id in batch_ids}
    for batch_id, status, count in session.execute(query.group_by(Message.batch_id, Message.status)):
        found[str(batch_id)][status] = count
    return found


def messages_of_batch(session: Session, batch_id: str, status: str, limit: int) -> list[str]:
    """A batch's messages in a status."""
    query = select(Message.id).where(Message.batch_id == batch_id, Message.status == status)
    return list(session.scalars(query.order_by(Message.id).limit(limit)))

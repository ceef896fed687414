"""Select sends to hold, and held sends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from app.domain.holds import Selection
from app.models import Message, QueuedSend
from app.models.base import table
from app.store.queue import Row, to_row

_QUEUE = table(QueuedSend)


def find_overdue(session: Session, now: datetime, numbers: Sequence[str] | None, limit: int) -> list[Row]:
    """Return the queue's rows of `queued` messages with `wanted_at` up to now, including those of paused batches."""
    query = select(_QUEUE).join(Message, Message.id == _QUEUE.c.message_id)
    query = query.where(Message.status == "queued", _QUEUE.c.wanted_at <= now)
    if numbers is not None:
        query = query.where(_QUEUE.c.phone_number_id.in_(numbers))
    return [to_row(values) for values in session.execute(query.order_by(_QUEUE.c.message_id).limit(limit))]


def find_unknown(session: Session, before: datetime, limit: int) -> list[str]:
    """Return the ids of outbound messages that are `unknown` and were requested up to a time."""
    query = select(Message.id).where(
        Message.status == "unknown", Message.direction == "outbound", Message.timestamp <= before
    )
    return list(session.scalars(query.order_by(Message.id).limit(limit)))


def find_resendable(session: Session, limit: int) -> list[str]:
    """Return the ids of messages held as `unlikely` of numbers on whose later messages Meta has reported since."""
    later = aliased(Message)
    is_reported = exists().where(
        later.phone_number_id == Message.phone_number_id,
        later.direction == "outbound",
        later.status.in_(("sent", "delivered", "read", "played")),
        later.timestamp > Message.timestamp,
        later.updated_at > Message.updated_at,
    )
    held = (Message.status == "held", Message.direction == "outbound", Message.held_for == "unlikely")
    return list(session.scalars(select(Message.id).where(*held, is_reported).order_by(Message.id).limit(limit)))


def select_ids(session: Session, wanted: Selection, after: str, limit: int) -> list[str]:
    """Return the ids of a selection's messages that follow the id `after`, in order."""
    query = select(Message.id).where(*_conditions(wanted), Message.id > after)
    return list(session.scalars(query.order_by(Message.id).limit(limit)))


def summary(session: Session, wanted: Selection) -> Sequence[Any]:
    """Count a selection's messages by status, reason, number and batch, with the oldest `timestamp` of each."""
    columns = (Message.status, Message.held_for, Message.phone_number_id, Message.batch_id)
    query = select(*columns, func.count().label("count"), func.min(Message.timestamp).label("oldest"))
    return session.execute(query.where(*_conditions(wanted)).group_by(*columns).order_by(*columns)).all()


def _conditions(wanted: Selection) -> list[Any]:
    conditions: list[Any] = [
        Message.status.in_(wanted.statuses), Message.direction == "outbound", Message.source == "live"
    ]  # fmt: skip
    if wanted.numbers is not None:
        conditions.append(Message.phone_number_id.in_(wanted.numbers))
    if wanted.phone_number_id is not None:
        conditions.append(Message.phone_number_id == wanted.phone_number_id)
    if wanted.batch_id is not None:
        conditions.append(Message.batch_id == wanted.batch_id)
    if wanted.reason is not None:
        conditions.append(func.coalesce(Message.held_for, "unknown") == wanted.reason)
    if wanted.asked_before is not None:
        conditions.append(Message.timestamp <= wanted.asked_before)
    return conditions

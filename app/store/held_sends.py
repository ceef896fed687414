"""Finding sends to hold, and those that are held."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from app.domain.holds import Selection
from app.models import Message, QueuedSend
from app.models.base import table
from app.store.queue import Row

_QUEUE = table(QueuedSend)


def wanted_by(session: Session, now: datetime, numbers: Sequence[str] | None, limit: int) -> list[Row]:
    """The queue's rows of messages that still are `queued` and were wanted by now, in a paused batch or not."""
    query = select(_QUEUE).join(Message, Message.id == _QUEUE.c.message_id)
    query = query.where(Message.status == "queued", _QUEUE.c.wanted_at <= now)
    if numbers is not None:
        query = query.where(_QUEUE.c.phone_number_id.in_(numbers))
    return [dict(row) for row in session.execute(query.order_by(_QUEUE.c.message_id).limit(limit)).mappings()]


def unknown_since(session: Session, before: datetime, limit: int) -> list[str]:
    """Messages of ours that are `unknown` and were asked for before a time."""
    query = select(Message.id).where(
        Message.status == "unknown", Message.direction == "outbound", Message.timestamp <= before
    )
    return list(session.scalars(query.order_by(Message.id).limit(limit)))


def hardly_gone(session: Session, limit: int) -> list[str]:
    """Messages that hardly went, of numbers on whose later messages Meta has reported meanwhile."""
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
    """The next messages of a selection, in the order of their ids, behind the one that `after` names."""
    query = select(Message.id).where(*_conditions(wanted), Message.id > after)
    return list(session.scalars(query.order_by(Message.id).limit(limit)))


def summary(session: Session, wanted: Selection) -> Sequence[Any]:
    """How many messages of a selection there are, by status, reason, number and batch, with the oldest's time."""
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

"""What became of the messages that an app has taken, as far as it went through this gateway."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models import Delivery, DeliveryAttempt, Event, Message

LOOK_BACK = 5_000
"""Deliveries of all endpoints that are looked through, the latest first: there is no index for those of one."""


class Taken(NamedTuple):
    """A message that an app has answered 2xx, and when."""

    delivery_id: int
    contact_id: str | None
    at: datetime


def taken(session: Session, endpoint_id: str, before: datetime, limit: int) -> list[Taken]:
    """The latest messages of single customers that an endpoint took before then, the latest first."""
    last = session.scalar(select(func.max(Delivery.id))) or 0
    query = (
        select(Delivery.id, Message.contact_id, Delivery.finished_at)
        .join(Event, Event.id == Delivery.event_id)
        .join(Message, Message.id == Event.message_id)
        .where(Delivery.id > last - LOOK_BACK, Delivery.endpoint_id == endpoint_id, ~Delivery.is_replay)
        .where(Delivery.state == "delivered", Delivery.finished_at < before)
        .where(Event.type == "message.received", Event.source == "live", Message.group_id.is_(None))
        .order_by(Delivery.id.desc())
        .limit(limit)
    )
    return [Taken(id, contact_id, at) for id, contact_id, at in session.execute(query) if at is not None]


def is_anything_sent(session: Session, contacts: Collection[str], since: datetime) -> bool:
    """Whether anything was sent through this gateway to one of these contacts at that time or later."""
    query = select(Message.id).where(Message.contact_id.in_(contacts), Message.direction == "outbound")
    query = query.where(Message.source == "live", Message.received_at >= since).limit(1)
    return session.scalar(query) is not None


def answers(session: Session, deliveries: Collection[int]) -> list[str]:
    """What was answered with these deliveries, as far as it is kept."""
    query = select(DeliveryAttempt.answer).where(DeliveryAttempt.delivery_id.in_(deliveries))
    return [answer for answer in session.scalars(query) if answer]

"""Queries that find out whether an app answers the messages that it accepted. Only sends of this gateway count."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models import Delivery, DeliveryAttempt, Event, Message

LOOK_BACK = 5_000
"""Number of the newest deliveries, of all endpoints, that are searched: no index covers those of one endpoint."""


class Taken(NamedTuple):
    """A delivered message: the app answered 2xx at this time."""

    delivery_id: int
    contact_id: str | None
    at: datetime


def taken(session: Session, endpoint_id: str, before: datetime, limit: int) -> list[Taken]:
    """Return up to `limit` live, non-group messages delivered to an endpoint before a time, newest first."""
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
    """Return whether a send to one of these contacts was requested through this gateway at or after a time."""
    query = select(Message.id).where(Message.contact_id.in_(contacts), Message.direction == "outbound")
    query = query.where(Message.source == "live", Message.received_at >= since).limit(1)
    return session.scalar(query) is not None


def answers(session: Session, deliveries: Collection[int]) -> list[str]:
    """Return the stored answers of apps to these deliveries."""
    query = select(DeliveryAttempt.answer).where(DeliveryAttempt.delivery_id.in_(deliveries))
    return [answer for answer in session.scalars(query) if answer]

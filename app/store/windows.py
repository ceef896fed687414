"""When a customer last spoke to a number of ours."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Event, Message


def last_spoke_at(session: Session, contact_id: str, phone_number_id: str) -> datetime | None:
    """The time of the contact's newest message or call to this number; None if we know of none."""
    wrote = (
        select(Message.timestamp)
        .where(
            Message.contact_id == contact_id,
            Message.phone_number_id == phone_number_id,
            Message.direction == "inbound",
        )
        .order_by(Message.timestamp.desc())
        .limit(1)
    )
    called = (
        select(Event.timestamp)
        .where(Event.contact_id == contact_id, Event.phone_number_id == phone_number_id, Event.type == "call")
        .order_by(Event.sequence.desc())
        .limit(1)
    )
    times = [time for time in (session.scalar(wrote), session.scalar(called)) if time is not None]
    return max(times, default=None)

"""What the checks of sends look at: each a cheap read with an index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.domain.outbound import LATE_REPLY
from app.domain.rate_limits import DOUBTS, TOKEN_PAUSES
from app.models import Message, NumberPace, QueuedSend

_AT_MOST = 1000
LONGEST_REPLY = timedelta(hours=25)
"""An answer that expired within an hour was asked for within this time."""


def paces(session: Session) -> Sequence[NumberPace]:
    """The paces of all numbers that have ever sent; there are as many as numbers."""
    return session.scalars(select(NumberPace).order_by(NumberPace.phone_number_id)).all()


def oldest_due(
    session: Session, phone_number_id: str, lanes: Sequence[int], before: datetime
) -> datetime | None:
    """Since when the oldest of a number's sends in these lanes has been due, if that is before a time."""
    found = [
        session.scalar(
            select(func.min(QueuedSend.due_at)).where(
                QueuedSend.phone_number_id == phone_number_id, QueuedSend.lane == lane, QueuedSend.due_at <= before
            )
        )
        for lane in lanes
    ]
    return min((each for each in found if each is not None), default=None)


def oldest_due_of_all(session: Session, now: datetime) -> datetime | None:
    """Since when the oldest send that still waits has been due."""
    return session.scalar(select(func.min(QueuedSend.due_at)).where(QueuedSend.due_at <= now))


def stopped(session: Session) -> tuple[int, int]:
    """How many numbers send nothing because Meta gives no clear answers, and because of their token."""
    waiting = or_(NumberPace.doubts >= DOUBTS, NumberPace.paused_for.in_(TOKEN_PAUSES))
    found = session.execute(select(NumberPace.doubts, NumberPace.paused_for).where(waiting)).all()
    return sum(row.doubts >= DOUBTS for row in found), sum(row.paused_for in TOKEN_PAUSES for row in found)


def expired_replies(session: Session, since: datetime) -> dict[str, tuple[int, datetime]]:
    """How many answers to customers have expired since then, and when the first of them did, by number."""
    few = (
        select(Message.phone_number_id, Message.updated_at)
        .where(Message.status == "expired", Message.direction == "outbound")
        .where(Message.timestamp >= since - LONGEST_REPLY, Message.updated_at >= since)
        .where(Message.error["details"].as_string() == LATE_REPLY)
        .limit(_AT_MOST)
        .subquery()
    )
    query = select(few.c.phone_number_id, func.count(), func.min(few.c.updated_at)).group_by(few.c.phone_number_id)
    return {number: (count, first) for number, count, first in session.execute(query)}

"""Queries of the health checks about sends. Each uses an index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.domain.outbound import LATE_REPLY
from app.domain.rate_limits import BREAKER_THRESHOLD, TOKEN_PAUSES
from app.models import Message, NumberLimit, QueuedSend

_AT_MOST = 1000
LONGEST_REPLY = timedelta(hours=25)
"""Replies that expired within the last hour were requested within this time."""


def number_limits(session: Session) -> Sequence[NumberLimit]:
    """Return the limits of all numbers that have ever sent: one row per number."""
    return session.scalars(select(NumberLimit).order_by(NumberLimit.phone_number_id)).all()


def oldest_due(
    session: Session, phone_number_id: str, ranks: Sequence[int], before: datetime
) -> datetime | None:
    """Return the earliest `due_at` of a number's sends of these ranks, if it is before a time; else None."""
    found = [
        session.scalar(
            select(func.min(QueuedSend.due_at)).where(
                QueuedSend.phone_number_id == phone_number_id, QueuedSend.rank == rank, QueuedSend.due_at <= before
            )
        )
        for rank in ranks
    ]
    return min((each for each in found if each is not None), default=None)


def oldest_due_of_all(session: Session, now: datetime) -> datetime | None:
    """Return the earliest `due_at` of all due sends; None if none is due."""
    return session.scalar(select(func.min(QueuedSend.due_at)).where(QueuedSend.due_at <= now))


def stopped(session: Session) -> tuple[int, int]:
    """Count the numbers with an open breaker, and those paused because of their token."""
    limit = NumberLimit
    waiting = or_(limit.ambiguous_failures >= BREAKER_THRESHOLD, limit.paused_for.in_(TOKEN_PAUSES))
    found = session.execute(select(limit.ambiguous_failures, limit.paused_for).where(waiting)).all()
    is_open = sum(row.ambiguous_failures >= BREAKER_THRESHOLD for row in found)
    return is_open, sum(row.paused_for in TOKEN_PAUSES for row in found)


def expired_replies(session: Session, since: datetime) -> dict[str, tuple[int, datetime]]:
    """Count the replies that expired since a time, with the time of the first, by number."""
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

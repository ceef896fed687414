"""Counts for the pages that show how the gateway does. Each stops at `MOST`, so that its cost is bounded."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.domain.media import MediaState
from app.domain.outbound import Priority
from app.models import Alert, Delivery, Job, Media, Message, QueuedSend
from app.models.endpoints import IS_UNDELIVERED
from app.store.deliveries import is_pending

MOST = 10_000


def webhooks(session: Session, kind: str, now: datetime) -> tuple[int, datetime | None]:
    """Return how many jobs of a kind there are, and the earliest `due_at` of the due ones."""
    oldest = session.scalar(select(func.min(Job.due_at)).where(Job.kind == kind, Job.due_at <= now))
    return _count(session, select(Job.id).where(Job.kind == kind)), oldest


def sends(session: Session, now: datetime) -> tuple[int, datetime | None]:
    """Return how many sends are due, and since when the first of them."""
    oldest = session.scalar(select(func.min(QueuedSend.due_at)).where(QueuedSend.due_at <= now))
    return _count(session, select(QueuedSend.message_id).where(QueuedSend.due_at <= now)), oldest


def sends_of(session: Session, phone_number_id: str, now: datetime) -> tuple[int, datetime | None]:
    """Return how many sends of a number are due, and since when the first of them."""
    due = (QueuedSend.phone_number_id == phone_number_id, QueuedSend.due_at <= now)
    first = select(func.min(QueuedSend.due_at)).where(*due)
    firsts = [session.scalar(first.where(QueuedSend.rank == each.rank)) for each in Priority]
    waiting = _count(session, select(QueuedSend.message_id).where(*due))
    return waiting, min((each for each in firsts if each is not None), default=None)


def files(session: Session) -> tuple[int, datetime | None]:
    """Return how many files of customers are to be fetched, and when the first of them came."""
    oldest = session.scalar(select(func.min(Media.created_at)).where(Media.state == MediaState.PENDING))
    return _count(session, select(Media.id).where(Media.state == MediaState.PENDING)), oldest


def held(session: Session) -> int:
    """Return how many sends wait for a person."""
    query = select(Message.id).where(Message.status == "held", Message.direction == "outbound")
    return _count(session, query)


def deliveries(session: Session, endpoint_id: str, now: datetime) -> tuple[int, datetime | None]:
    """Return how many deliveries to an endpoint are pending, replays too, and since when the first is due."""
    mine = (Delivery.endpoint_id == endpoint_id, is_pending(Delivery))
    first = select(func.min(Delivery.due_at)).where(*mine, Delivery.due_at <= now)
    due = [session.scalar(first.where(Delivery.is_replay == each)) for each in (False, True)]
    pending = _count(session, select(Delivery.id).where(*mine))
    return pending, min((each for each in due if each is not None), default=None)


def undelivered(session: Session, endpoint_id: str, state: str) -> int:
    """Return how many deliveries to an endpoint are `dead`, or `stale`."""
    query = select(Delivery.id).where(Delivery.endpoint_id == endpoint_id, Delivery.state == state, IS_UNDELIVERED)
    return _count(session, query)


def template_contacts(session: Session, phone_number_id: str, since: datetime) -> int:
    """Return to how many contacts a number sent a template since a time. Reads the newest `MOST` templates only."""
    newest = (
        select(Message.contact_id, Message.phone_number_id)
        .where(Message.message_type == "template", Message.direction == "outbound", Message.timestamp >= since)
        .order_by(Message.timestamp.desc())
        .limit(MOST)
        .subquery()
    )
    query = select(func.count(newest.c.contact_id.distinct())).where(newest.c.phone_number_id == phone_number_id)
    return session.scalar(query) or 0


def open_alerts(session: Session) -> int:
    """Return how many alerts are open."""
    return _count(session, select(Alert.id).where(Alert.closed_at.is_(None)))


def _count(session: Session, query: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(query.limit(MOST).subquery())) or 0

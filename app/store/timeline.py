"""Queries for the timeline of one message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from app.models import Event, Notification, SendAttempt, StatusReport


class Signer(NamedTuple):
    """The app whose secret signed a notification, and when the notification was processed last."""

    app: str
    processed_at: datetime | None


def signer_of(session: Session, notification_id: str) -> Signer | None:
    """Return who signed a notification; None if it is not kept any more."""
    query = select(Notification.verified_by, Notification.processed_at).where(Notification.id == notification_id)
    row = session.execute(query).first()
    return Signer(*row) if row is not None else None


def attempts_at(session: Session, message_id: str) -> Sequence[SendAttempt]:
    """Return the send attempts of a message, first one first."""
    query = select(SendAttempt).where(SendAttempt.message_id == message_id).order_by(SendAttempt.number)
    return session.scalars(query).all()


def reports_on(session: Session, message_id: str) -> Sequence[StatusReport]:
    """Return the status reports on a message, in the order in which they were stored."""
    query = select(StatusReport).where(StatusReport.message_id == message_id).order_by(StatusReport.id)
    return session.scalars(query).all()


def events_about(session: Session, message_id: str) -> Sequence[Event]:
    """Return the events about a message, without their data."""
    query = select(Event).options(defer(Event.data, raiseload=True)).where(Event.message_id == message_id)
    return session.scalars(query.order_by(Event.sequence)).all()

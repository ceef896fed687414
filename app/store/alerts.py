"""Rows of alerts: open them, update them while the problem lasts, close and list them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, and_, case, or_, select, update
from sqlalchemy.orm import Session

from app.models import Alert
from app.store.dialect import insert_new

_IS_CLOSED = case((Alert.closed_at.is_(None), 0), else_=1)


def all_open(session: Session) -> Sequence[Alert]:
    """Return all open alerts."""
    return session.scalars(select(Alert).where(Alert.closed_at.is_(None)).order_by(Alert.id)).all()


def find_open(session: Session, kind: str, subject: str) -> Alert | None:
    """Return the open alert of this kind and subject, or None."""
    query = select(Alert).where(Alert.kind == kind, Alert.subject == subject, Alert.closed_at.is_(None))
    return session.scalar(query)


def add(session: Session, row: dict[str, Any]) -> bool:
    """Insert an open alert; return False if the kind and subject have one already."""
    return session.execute(insert_new(session, Alert).values(row).returning(Alert.id)).first() is not None


def raise_again(session: Session, alert_id: str, *, last_before: datetime, now: datetime, details: Any) -> bool:
    """Record that the problem of an open alert was found again.

    Returns False if the alert is closed, or another process recorded this after `last_before`.
    """
    result = session.execute(
        update(Alert)
        .where(Alert.id == alert_id, Alert.closed_at.is_(None), Alert.last_raised_at <= last_before)
        .values(last_raised_at=now, count=Alert.count + 1, details=details)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def close(session: Session, alert_id: str, now: datetime) -> bool:
    """Close an alert; return False if it is closed already."""
    statement = update(Alert).where(Alert.id == alert_id, Alert.closed_at.is_(None)).values(closed_at=now)
    result = session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def mark_notified(session: Session, alert_id: str, now: datetime) -> None:
    """Set the time of the last notification about an alert."""
    session.execute(update(Alert).where(Alert.id == alert_id).values(notified_at=now))


def find(session: Session, alert_id: str) -> Alert | None:
    """Return an alert by id, or None."""
    return session.get(Alert, alert_id)


def page(
    session: Session,
    *,
    limit: int,
    before: tuple[bool, str] | None = None,
    is_open: bool | None = None,
    numbers: tuple[str, ...] | None = None,
) -> list[Alert]:
    """Return up to `limit` alerts: open ones before closed ones, each newest first.

    `before` is the last alert of the previous page: whether it was closed, and its id.
    """
    query = select(Alert).order_by(_IS_CLOSED, Alert.id.desc()).limit(limit)
    if before is not None:
        closed, alert_id = int(before[0]), before[1]
        query = query.where(or_(_IS_CLOSED > closed, and_(_IS_CLOSED == closed, Alert.id < alert_id)))
    if is_open is not None:
        query = query.where(Alert.closed_at.is_(None) if is_open else Alert.closed_at.is_not(None))
    if numbers is not None:
        query = query.where(Alert.phone_number_id.in_(numbers))
    return list(session.scalars(query))

"""Deliveries that nobody would ever try: looked for now and then, and made due."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, literal_column, or_, select, update
from sqlalchemy.orm import Session, aliased

from app.models import Delivery

LONGEST_LEASE = timedelta(minutes=2)
LONGEST_UNTRIED = timedelta(minutes=30)
_IS_PENDING = Delivery.state == literal_column("'pending'")  # see store.deliveries


def put_off(session: Session, now: datetime, limit: int) -> list[int]:
    """Deliveries that are due later than they honestly can be: claimed for longer than any lease, or never tried and
    due after the longest burst. A wrong clock wrote that. Takes no lock, and reads what is pending."""
    return list(session.scalars(select(Delivery.id).where(_IS_PENDING, _is_put_off(now)).limit(limit)))


def orphans(session: Session, limit: int) -> list[int]:
    """Deliveries that are carried by one which is over, or is carried itself. Takes no lock."""
    head = aliased(Delivery)
    goes = exists().where(head.id == Delivery.carried_by, head.state == literal_column("'pending'"),
                          head.carried_by.is_(None))  # fmt: skip
    query = select(Delivery.id).where(_IS_PENDING, Delivery.carried_by.is_not(None), ~goes)
    return list(session.scalars(query.limit(limit)))


def make_due(session: Session, ids: Collection[int], now: datetime) -> None:
    """Make those of these due now, each by itself, that still are as they were found.

    Another worker may have done so since, and somebody be trying them.
    """
    is_as_found = or_(Delivery.carried_by.is_not(None), _is_put_off(now))
    statement = update(Delivery).where(Delivery.id.in_(ids), _IS_PENDING, is_as_found)
    values = {"due_at": now, "carried_by": None}
    session.execute(statement.values(values).execution_options(synchronize_session=False))


def _is_put_off(now: datetime) -> ColumnElement[bool]:
    is_leased = and_(Delivery.claim_id.is_not(None), Delivery.due_at > now + LONGEST_LEASE)
    is_untried = and_(Delivery.claim_id.is_(None), Delivery.attempts == 0, Delivery.due_at > now + LONGEST_UNTRIED)
    return or_(is_leased, is_untried)

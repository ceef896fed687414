"""Pending deliveries that no worker would ever claim: find them, and make them due."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from app.models import Delivery
from app.store.deliveries import is_pending, is_unfinished

LONGEST_LEASE = timedelta(minutes=2)
LONGEST_UNTRIED = timedelta(minutes=30)


def implausible(session: Session, now: datetime, limit: int) -> list[int]:
    """Return ids of pending deliveries with a `due_at` that only a wrong clock can have written. Takes no lock.

    They are claimed for longer than any lease, or untried and due later than the longest debounce.
    """
    return list(session.scalars(select(Delivery.id).where(is_pending(Delivery), _is_implausible(now)).limit(limit)))


def orphaned_members(session: Session, limit: int) -> list[int]:
    """Return ids of pending members whose leader is not pending, or is itself a member. Takes no lock."""
    leader = aliased(Delivery)
    is_led = exists().where(leader.id == Delivery.carried_by, is_unfinished(leader), leader.carried_by.is_(None))
    query = select(Delivery.id).where(is_unfinished(Delivery), Delivery.carried_by.is_not(None), ~is_led)
    return list(session.scalars(query.limit(limit)))


def make_due(session: Session, ids: Collection[int], now: datetime) -> None:
    """Make these deliveries due now, each outside a batch, if they are still implausible or orphaned.

    Another worker may have made them due and claimed them since they were read.
    """
    is_as_found = or_(Delivery.carried_by.is_not(None), _is_implausible(now))
    statement = update(Delivery).where(Delivery.id.in_(ids), is_unfinished(Delivery), is_as_found)
    values = {"due_at": now, "carried_by": None}
    session.execute(statement.values(values).execution_options(synchronize_session=False))


def _is_implausible(now: datetime) -> ColumnElement[bool]:
    is_leased = and_(Delivery.claim_id.is_not(None), Delivery.due_at > now + LONGEST_LEASE)
    is_untried = and_(Delivery.claim_id.is_(None), Delivery.attempts == 0, Delivery.due_at > now + LONGEST_UNTRIED)
    return or_(is_leased, is_untried)

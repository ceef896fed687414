"""Deliveries that wait to be attempted again, or never will be: requeue, unblock, dead letters."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.models import Delivery
from app.models.endpoints import IS_UNDELIVERED
from app.store.deliveries import is_pending, is_unfinished


def dead_ids(session: Session, endpoint_id: str, limit: int) -> list[int]:
    """Return the ids of an endpoint's dead deliveries, oldest first."""
    # SQLite uses a partial index only if the query repeats the index's condition literally.
    is_dead = (IS_UNDELIVERED, Delivery.state == "dead")
    query = select(Delivery.id).where(Delivery.endpoint_id == endpoint_id, *is_dead)
    return list(session.scalars(query.order_by(Delivery.id).limit(limit)))


def requeue(session: Session, ids: Collection[int], now: datetime) -> None:
    """Make deliveries due now: pending ones, and as replays with no attempts dead, stale and withheld ones.

    For a batch's member its leader becomes due. Deliveries that a worker has claimed do not change.
    """
    unsynchronised = {"synchronize_session": False}
    is_member = (Delivery.carried_by.is_not(None), is_unfinished(Delivery))
    leaders = select(Delivery.carried_by).where(Delivery.id.in_(ids), *is_member)
    mine = or_(Delivery.id.in_(ids), Delivery.id.in_(leaders))
    is_free = (is_unfinished(Delivery), Delivery.claim_id.is_(None), Delivery.carried_by.is_(None))
    due_now = update(Delivery).where(mine, *is_free)
    session.execute(due_now.values(due_at=now), execution_options=unsynchronised)
    final = update(Delivery).where(Delivery.id.in_(ids), Delivery.state.in_(("dead", "stale", "withheld")))
    anew = {"state": "pending", "is_replay": True, "due_at": now, "attempts": 0, "finished_at": None, "claim_id": None}
    anew |= {"carried_by": None, "blocks": True, "refused": False}
    session.execute(final.values(anew), execution_options=unsynchronised)


def awaiting_retry(session: Session, endpoint_id: str, *, refused: bool) -> list[int]:
    """Return the ids of an endpoint's deliveries that failed and await a retry, in the order of the events.

    Without `refused`, leave out those that the app refused, and those with one attempt, which are due within seconds.
    Takes no lock.
    """
    free = (is_pending(Delivery), Delivery.claim_id.is_(None), Delivery.carried_by.is_(None))
    query = select(Delivery.id).where(Delivery.endpoint_id == endpoint_id, Delivery.attempts > 0, *free)
    if not refused:
        query = query.where(~Delivery.refused, Delivery.attempts > 1)
    return list(session.scalars(query.order_by(Delivery.id)))


def unblock(session: Session, ids: Collection[int], now: datetime) -> None:
    """Make deliveries that await a retry due now. Later deliveries of their contacts wait for them again."""
    free = (is_unfinished(Delivery), Delivery.claim_id.is_(None), Delivery.carried_by.is_(None))
    statement = update(Delivery).where(Delivery.id.in_(ids), *free)
    values = {"due_at": now, "blocks": True, "refused": False}
    session.execute(statement.values(values), execution_options={"synchronize_session": False})


def dead_letter(session: Session, endpoint_id: str, reason: str, now: datetime, limit: int) -> bool:
    """Make up to `limit` pending deliveries of an endpoint dead. Return whether there may be more."""
    some = select(Delivery.id).where(Delivery.endpoint_id == endpoint_id, is_pending(Delivery)).limit(limit)
    ids = list(session.scalars(some))
    # It may have been delivered meanwhile.
    statement = update(Delivery).where(Delivery.id.in_(ids), is_unfinished(Delivery))
    values = {"state": "dead", "due_at": None, "claim_id": None, "reason": reason, "finished_at": now}
    session.execute(statement.values(values), execution_options={"synchronize_session": False})
    return len(ids) == limit


def has_pending(session: Session, endpoint_id: str) -> bool:
    """Return whether an endpoint has a pending delivery. Takes no lock."""
    pending = select(Delivery.id).where(Delivery.endpoint_id == endpoint_id, is_pending(Delivery))
    return session.scalar(pending.limit(1)) is not None

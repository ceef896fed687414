"""Queries of deliveries and their attempts for the API."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Delivery, DeliveryAttempt
from app.models.endpoints import IS_UNDELIVERED
from app.store.deliveries import is_pending


def find(session: Session, delivery_id: int) -> Delivery | None:
    """Return one delivery, or None."""
    return session.get(Delivery, delivery_id)


def page(
    session: Session, *, limit: int, before: int | None, state: str | None, endpoint_id: str | None,
    event_id: str | None,
) -> list[Delivery]:  # fmt: skip
    """Return up to `limit` deliveries, newest first, with ids below `before`; a filter of None is not applied."""
    query = select(Delivery).order_by(Delivery.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Delivery.id < before)
    if state is not None:
        query = query.where(Delivery.state == state)
    if state in ("dead", "stale"):
        query = query.where(IS_UNDELIVERED)  # or SQLite does not use the partial index
    elif state == "pending":
        query = query.where(is_pending(Delivery))
    if endpoint_id is not None:
        query = query.where(Delivery.endpoint_id == endpoint_id)
    if event_id is not None:
        query = query.where(Delivery.event_id == event_id)
    return list(session.scalars(query))


def attempts_at(session: Session, ids: Collection[int]) -> list[DeliveryAttempt]:
    """Return the attempts of these deliveries, oldest first."""
    query = select(DeliveryAttempt).where(DeliveryAttempt.delivery_id.in_(ids))
    return list(session.scalars(query.order_by(DeliveryAttempt.id)))


def about(session: Session, event_ids: Collection[str]) -> list[Delivery]:
    """Return the deliveries of these events by id."""
    return list(session.scalars(select(Delivery).where(Delivery.event_id.in_(event_ids)).order_by(Delivery.id)))

"""Rows of endpoints: the user's apps at URLs, and their Python handlers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, inspect, select, update
from sqlalchemy.orm import Session

from app.models import Endpoint
from app.store import registry
from app.store.dialect import insert_new


def all_endpoints(session: Session) -> Sequence[Endpoint]:
    """Return the endpoints that are not removed, oldest first."""
    return session.scalars(select(Endpoint).where(Endpoint.removed_at.is_(None)).order_by(Endpoint.created_at)).all()


def find(session: Session, endpoint_id: str, *, lock: bool = False) -> Endpoint | None:
    """Return an endpoint that is not removed, or None; with `lock`, lock its row until the transaction ends."""
    query = select(Endpoint).where(Endpoint.id == endpoint_id, Endpoint.removed_at.is_(None))
    return session.scalar(query.with_for_update() if lock else query)


def find_any(session: Session, endpoint_id: str) -> Endpoint | None:
    """Return an endpoint, removed or not, or None."""
    return session.get(Endpoint, endpoint_id)


def all_of(session: Session, format: str) -> Sequence[Endpoint]:
    """Return the endpoints of a format, removed or not."""
    return session.scalars(select(Endpoint).where(Endpoint.format == format)).all()


def add(session: Session, row: Endpoint) -> None:
    """Insert an endpoint."""
    session.add(row)
    session.flush()
    registry.bump(session)


def add_new(session: Session, row: Endpoint) -> None:
    """Insert an endpoint; do nothing if another worker has inserted it already."""
    values = {column.key: getattr(row, column.key) for column in inspect(Endpoint).columns}
    session.execute(insert_new(session, Endpoint), [values])
    registry.bump(session)


def claim_probe(session: Session, endpoint_id: str, seen: datetime, until: datetime) -> bool:
    """Claim the one call that a half-open breaker lets through; return False if another worker has claimed it.

    `seen` is the end of the breaker's pause as it was read, `until` the end of the claim.
    """
    in_time = (Endpoint.id == endpoint_id, Endpoint.open_until == seen)
    statement = update(Endpoint).where(*in_time).values(open_until=until)
    result = session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def set_values(session: Session, endpoint_id: str, **values: Any) -> None:
    """Set columns of an endpoint."""
    _set(session, endpoint_id, values)
    registry.bump(session)


def set_health(session: Session, endpoint_id: str, **values: Any) -> None:
    """Set columns about an endpoint's health. The registry's version stays, because the definition is unchanged."""
    _set(session, endpoint_id, values)


def _set(session: Session, endpoint_id: str, values: dict[str, Any]) -> None:
    statement = update(Endpoint).where(Endpoint.id == endpoint_id).values(**values)
    session.execute(statement.execution_options(synchronize_session=False))

"""The user's apps, and their Python handlers."""

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
    """Every endpoint that was not removed, the oldest first."""
    return session.scalars(select(Endpoint).where(Endpoint.removed_at.is_(None)).order_by(Endpoint.created_at)).all()


def find(session: Session, endpoint_id: str, *, lock: bool = False) -> Endpoint | None:
    """One endpoint that was not removed; with `lock`, nobody else changes it until the transaction ends."""
    query = select(Endpoint).where(Endpoint.id == endpoint_id, Endpoint.removed_at.is_(None))
    return session.scalar(query.with_for_update() if lock else query)


def find_any(session: Session, endpoint_id: str) -> Endpoint | None:
    """One endpoint, removed or not."""
    return session.get(Endpoint, endpoint_id)


def all_of(session: Session, format: str) -> Sequence[Endpoint]:
    """Every endpoint of a format, removed or not."""
    return session.scalars(select(Endpoint).where(Endpoint.format == format)).all()


def add(session: Session, row: Endpoint) -> None:
    """Insert an endpoint."""
    session.add(row)
    session.flush()
    registry.bump(session)


def add_new(session: Session, row: Endpoint) -> None:
    """Insert an endpoint, unless another worker has done so."""
    values = {column.key: getattr(row, column.key) for column in inspect(Endpoint).columns}
    session.execute(insert_new(session, Endpoint), [values])
    registry.bump(session)


def claim_probe(session: Session, endpoint_id: str, seen: datetime, until: datetime) -> bool:
    """Claim the right to try an endpoint whose breaker's pause is over; False if somebody else was first."""
    in_time = (Endpoint.id == endpoint_id, Endpoint.open_until == seen)
    statement = update(Endpoint).where(*in_time).values(open_until=until)
    result = session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def set_values(session: Session, endpoint_id: str, **values: Any) -> None:
    """Change an endpoint."""
    _set(session, endpoint_id, values)
    registry.bump(session)


def set_health(session: Session, endpoint_id: str, **values: Any) -> None:
    """Note how an endpoint has been doing, which is no change of what it is."""
    _set(session, endpoint_id, values)


def _set(session: Session, endpoint_id: str, values: dict[str, Any]) -> None:
    statement = update(Endpoint).where(Endpoint.id == endpoint_id).values(**values)
    session.execute(statement.execution_options(synchronize_session=False))

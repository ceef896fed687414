"""Business numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from app.models import Number
from app.store import registry


def all_numbers(session: Session) -> Sequence[Number]:
    """Every configured number."""
    return session.scalars(select(Number).order_by(Number.phone_number_id)).all()


def find(session: Session, phone_number_id: str) -> Number | None:
    """One number that was added."""
    return session.get(Number, phone_number_id)


def save(session: Session, row: dict[str, Any]) -> None:
    """Add a number, or change the one with its `phone_number_id`."""
    session.merge(Number(**row))
    registry.bump(session)


def remove(session: Session, phone_number_id: str) -> bool:
    """Forget a number; False if there was none."""
    registry.bump(session)
    result = session.execute(delete(Number).where(Number.phone_number_id == phone_number_id))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1

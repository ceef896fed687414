"""Rows of business numbers that were added to the one of the settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from app.models import Number
from app.store import registry


def all_numbers(session: Session) -> Sequence[Number]:
    """Return all added numbers."""
    return session.scalars(select(Number).order_by(Number.phone_number_id)).all()


def find(session: Session, phone_number_id: str) -> Number | None:
    """Return an added number, or None."""
    return session.get(Number, phone_number_id)


def save(session: Session, row: dict[str, Any]) -> None:
    """Insert a number, or update the one with the same `phone_number_id`."""
    session.merge(Number(**row))
    registry.bump(session)


def remove(session: Session, phone_number_id: str) -> bool:
    """Delete a number; return False if there was none."""
    registry.bump(session)
    result = session.execute(delete(Number).where(Number.phone_number_id == phone_number_id))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1

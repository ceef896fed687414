"""Rows of API keys. A key is stored as a hash and found by the hash of what the caller sends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, insert, select, update
from sqlalchemy.orm import Session

from app.models import ApiKey
from app.store import registry


def find_by_hash(session: Session, hashed: str) -> ApiKey | None:
    """Return the key with this hash; None if there is none or it was revoked."""
    return session.scalar(select(ApiKey).where(ApiKey.hash == hashed, ApiKey.revoked_at.is_(None)))


def find_by_name(session: Session, name: str) -> ApiKey | None:
    """Return the key of this name, revoked or not; None if there is none."""
    return session.scalar(select(ApiKey).where(ApiKey.name == name))


def all_keys(session: Session) -> Sequence[ApiKey]:
    """Return all keys, including revoked ones."""
    return session.scalars(select(ApiKey).order_by(ApiKey.created_at)).all()


def add(session: Session, row: dict[str, Any]) -> None:
    """Insert a key."""
    session.execute(insert(ApiKey), [row])
    registry.bump(session)


def revoke(session: Session, name: str, now: datetime) -> bool:
    """Revoke the key of this name; return False if there is none that is not revoked."""
    registry.bump(session)
    in_use = (ApiKey.name == name, ApiKey.revoked_at.is_(None))
    result = session.execute(update(ApiKey).where(*in_use).values(revoked_at=now))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1

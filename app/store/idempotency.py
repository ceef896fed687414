"""Idempotency keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.models import IdempotencyKey
from app.models.base import table
from app.store.dialect import built_once

_KEYS = table(IdempotencyKey)
_CLAIM = built_once(lambda insert: insert(_KEYS).on_conflict_do_nothing().returning(_KEYS.c.key))


def claim(session: Session, row: dict[str, Any]) -> bool:
    """Write a key; False if its caller has used it before."""
    return session.execute(_CLAIM(session), row).first() is not None


def find(session: Session, caller: str, key: str) -> IdempotencyKey | None:
    """The key as its caller used it before."""
    query = select(IdempotencyKey).where(IdempotencyKey.caller == caller, IdempotencyKey.key == key)
    return session.scalar(query)


def forget(session: Session, now: datetime) -> None:
    """Delete the keys whose time is over."""
    statement = delete(IdempotencyKey).where(IdempotencyKey.forget_at < now)
    session.execute(statement.execution_options(synchronize_session=False))


def any_over(session: Session, now: datetime) -> bool:
    """Whether `forget` would find anything. Takes no lock."""
    return session.scalar(select(IdempotencyKey.key).where(IdempotencyKey.forget_at < now).limit(1)) is not None

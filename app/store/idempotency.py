"""Idempotency keys of messages, and of other requests."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.models import IdempotencyKey, IdempotentRequest
from app.models.base import table
from app.store.dialect import built_once, insert_and_count, insert_new

_KEYS = table(IdempotencyKey)
_CLAIM = built_once(lambda insert: insert(_KEYS).on_conflict_do_nothing().returning(_KEYS.c.key))


def claim(session: Session, row: dict[str, Any]) -> bool:
    """Insert a key; return False if its caller has used it before."""
    return session.execute(_CLAIM(session), row).first() is not None


def find(session: Session, caller: str, key: str) -> IdempotencyKey | None:
    """Return the row of a caller's key; None for a new key."""
    query = select(IdempotencyKey).where(IdempotencyKey.caller == caller, IdempotencyKey.key == key)
    return session.scalar(query)


def purge(session: Session, now: datetime) -> None:
    """Delete the keys whose retention time has passed."""
    for model in (IdempotencyKey, IdempotentRequest):
        statement = delete(model).where(model.forget_at < now)
        session.execute(statement.execution_options(synchronize_session=False))


def any_expired(session: Session, now: datetime) -> bool:
    """Return whether `purge` would delete anything. Takes no lock."""
    over = (
        session.scalar(select(model.key).where(model.forget_at < now).limit(1))
        for model in (IdempotencyKey, IdempotentRequest)
    )
    return any(key is not None for key in over)


def find_many(session: Session, caller: str, keys: Collection[str]) -> Sequence[IdempotencyKey]:
    """Return the rows of those keys that the caller has used before."""
    query = select(IdempotencyKey).where(IdempotencyKey.caller == caller, IdempotencyKey.key.in_(keys))
    return session.scalars(query).all() if keys else []


def claim_all(session: Session, rows: Sequence[dict[str, Any]]) -> bool:
    """Insert keys; return False if one of them was used before. Then the transaction must be rolled back."""
    return insert_and_count(session, insert_new(session, IdempotencyKey), rows) == len(rows)


_REQUESTS = table(IdempotentRequest)
_BEGIN = built_once(lambda insert: insert(_REQUESTS).on_conflict_do_nothing().returning(_REQUESTS.c.key))


def begin_request(session: Session, row: dict[str, Any]) -> bool:
    """Insert the key of a request other than a single send; return False if its caller has used it before."""
    return session.execute(_BEGIN(session), row).first() is not None


def find_request(session: Session, caller: str, key: str) -> IdempotentRequest | None:
    """Return the request of a caller's key; None for a new key."""
    return session.get(IdempotentRequest, (caller, key))


def change_request(session: Session, caller: str, key: str, **values: Any) -> None:
    """Set columns of the request of a caller's key."""
    session.execute(update(_REQUESTS).where(_REQUESTS.c.caller == caller, _REQUESTS.c.key == key).values(**values))


def remove_request(session: Session, caller: str, key: str) -> None:
    """Delete the request of a caller's key."""
    session.execute(delete(_REQUESTS).where(_REQUESTS.c.caller == caller, _REQUESTS.c.key == key))

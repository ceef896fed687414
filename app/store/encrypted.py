"""Columns that hold encrypted texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CursorResult, select, tuple_, update
from sqlalchemy.orm import Session

from app.models import Base, Endpoint, ErasureKey, IdempotentRequest, Number, PushSubscription
from app.models.base import table

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table whose values were encrypted, or are null or empty."""

    model: type[Base]
    name: str


COLUMNS = (
    Column(Number, "access_token"),
    Column(Number, "app_secrets"),
    Column(Endpoint, "secret"),
    Column(Endpoint, "old_secret"),
    Column(IdempotentRequest, "answer"),
    Column(ErasureKey, "wrapped"),
    Column(PushSubscription, "keys"),
)
"""All of them. A test compares this list with what the gateway encrypts."""


def batch(session: Session, column: Column, after: Key | None, limit: int) -> list[tuple[Any, str]]:
    """Return primary key and encrypted text of some rows, in the order of their keys, after a key."""
    rows = table(column.model)
    keys, value = list(rows.primary_key.columns), rows.c[column.name]
    query = select(*keys, value).where(value.is_not(None), value != "").order_by(*keys).limit(limit)
    if after is not None:
        query = query.where(tuple_(*keys) > tuple_(*after))
    return [(tuple(row[:-1]), row[-1]) for row in session.execute(query)]


def replace(session: Session, column: Column, values: Sequence[tuple[Any, str, str]]) -> int:
    """Replace encrypted texts, each given as key, old and new text, unless they were changed meanwhile.

    Returns how many were replaced.
    """
    rows = table(column.model)
    keys, value = list(rows.primary_key.columns), rows.c[column.name]
    count = 0
    for key, old, new in values:
        is_it = (each == part for each, part in zip(keys, key, strict=True))
        result = session.execute(update(rows).where(*is_it, value == old).values({column.name: new}))
        assert isinstance(result, CursorResult)
        count += result.rowcount
    return count

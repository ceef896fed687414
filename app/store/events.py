"""Events: one for every normalised item, in commit order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from app.models import Event
from app.models.base import table
from app.store.dialect import with_lists

_APPEND_LOCK = 7264920


def take_turn(session: Session) -> None:
    """Wait until no other transaction is appending events, and keep others waiting until this one ends.

    First thing in a transaction that appends. `sequence` then ascends in commit order, so that a reader who has seen n
    can never miss something below n; and appenders, who lock contacts and messages in whatever order their items name
    them, cannot wait for each other in a circle. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _APPEND_LOCK})


_TABLE = table(Event)
_APPEND = insert(_TABLE)
_KNOWN_KEYS = with_lists(lambda among: select(_TABLE.c.key).where(among(_TABLE.c.key, "keys")))


def append(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert events in this order. Their keys must be new: see `known_keys`, and keep the turn meanwhile."""
    session.execute(_APPEND, rows)


def known_keys(session: Session, keys: Collection[str]) -> set[str]:
    """Which of these keys have an event already."""
    return set(session.scalars(_KNOWN_KEYS(session), {"keys": list(keys)})) if keys else set()


def find_many(session: Session, ids: Collection[str]) -> dict[str, Event]:
    """Events by our ids."""
    return {row.id: row for row in session.scalars(select(Event).where(Event.id.in_(ids)))}


def of_notifications(session: Session, ids: Collection[str]) -> list[Event]:
    """What was read from these webhooks, in order."""
    query = select(Event).where(Event.notification_id.in_(ids)).order_by(Event.sequence)
    return list(session.scalars(query))


def received_between(
    session: Session, since: datetime, until: datetime, *, after: int, limit: int
) -> list[Event]:
    """Events received between two times, in their order, from after a place."""
    query = select(Event).where(Event.sequence > after, Event.received_at >= since, Event.received_at < until)
    return list(session.scalars(query.order_by(Event.sequence).limit(limit)))


def count_by_number(session: Session, notification_id: str) -> dict[str, int]:
    """How many items of a notification became events, by number ("" for none).

    An item that was read twice, and better the second time, may have two events; it counts as its newest one.
    """
    query = select(Event.position, Event.phone_number_id).where(Event.notification_id == notification_id)
    newest = {position: number for position, number in session.execute(query.order_by(Event.sequence))}
    return Counter(number or "" for number in newest.values())


def at(session: Session, sequence: int) -> Event | None:
    """The event at a place; None where there is none, or none any more."""
    return session.get(Event, sequence)


def newest(session: Session) -> Event | None:
    """The event at the newest place."""
    return session.scalar(select(Event).order_by(Event.sequence.desc()).limit(1))


def newest_until(session: Session, event_id: str) -> Event | None:
    """The newest event that is not younger than the one with this id, whether that is here or not: ids tell when they
    were made."""
    return session.scalar(select(Event).where(Event.id <= event_id).order_by(Event.id.desc()).limit(1))


def last_sequence(session: Session) -> int:
    """The newest event's place; 0 when there is none."""
    return session.scalar(select(func.max(Event.sequence))) or 0

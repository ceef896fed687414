"""Rows of events: one per normalised item, numbered in commit order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.models import Event, Notification
from app.models.base import table
from app.store.dialect import with_lists
from app.store.many_rows import InsertMany

_APPEND_LOCK = 7264920


def take_turn(session: Session) -> None:
    """Wait until no other transaction appends events, and make others wait until this one ends.

    Must come first in a transaction that appends. `sequence` then ascends in commit order, so that a reader who has
    seen n never misses an event below n. Appenders lock contacts and messages in the order of their items; since one
    appends at a time, they cannot deadlock. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _APPEND_LOCK})


_TABLE = table(Event)
_COLUMNS = (
    "id", "type", "key", "source", "phone_number_id", "waba_id", "contact_id", "contact_sequence", "message_id",
    "notification_id", "position", "timestamp", "received_at", "created_at", "data",
)  # fmt: skip
_append = InsertMany(Event, *_COLUMNS)
_KNOWN_KEYS = with_lists(lambda among: select(_TABLE.c.key).where(among(_TABLE.c.key, "keys")))


def append(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert events in this order. Their keys must be new: check with `known_keys` after `take_turn`, not before."""
    _append.of_mappings(session.connection(), rows)


def known_keys(session: Session, keys: Collection[str]) -> set[str]:
    """Return those of these keys that an event has already."""
    return set(session.scalars(_KNOWN_KEYS(session), {"keys": list(keys)})) if keys else set()


class StoredEvent(NamedTuple):
    """What a delivery needs of an event. `request_id` is that of the webhook that brought it, or ""."""

    id: str
    type: str
    source: str
    phone_number_id: str | None
    contact_id: str | None
    message_id: str | None
    notification_id: str | None
    position: int | None
    timestamp: datetime
    received_at: datetime
    data: str
    request_id: str


_NOTIFICATIONS = table(Notification)
_STORED = with_lists(
    lambda among: select(
        *(_TABLE.c[name] for name in StoredEvent._fields[:-1]),
        func.coalesce(_NOTIFICATIONS.c.request_id, ""),
    )
    .select_from(_TABLE.outerjoin(_NOTIFICATIONS, _NOTIFICATIONS.c.id == _TABLE.c.notification_id))
    .where(among(_TABLE.c.id, "ids"))
)


def stored(session: Session, ids: Collection[str]) -> dict[str, StoredEvent]:
    """Return events by our ids, as deliveries need them."""
    return {row[0]: StoredEvent._make(row) for row in session.execute(_STORED(session), {"ids": list(ids)})}


def find_many(session: Session, ids: Collection[str]) -> dict[str, Event]:
    """Return events by our ids."""
    return {row.id: row for row in session.scalars(select(Event).where(Event.id.in_(ids)))}


def of_notifications(session: Session, ids: Collection[str]) -> list[Event]:
    """Return the events made from these notifications, in order."""
    query = select(Event).where(Event.notification_id.in_(ids)).order_by(Event.sequence)
    return list(session.scalars(query))


def received_between(
    session: Session, since: datetime, until: datetime, *, after: int, limit: int
) -> list[Event]:
    """Return up to `limit` events received between two times, with sequences above `after`, ascending."""
    query = select(Event).where(Event.sequence > after, Event.received_at >= since, Event.received_at < until)
    return list(session.scalars(query.order_by(Event.sequence).limit(limit)))


def count_by_number(session: Session, notification_id: str) -> dict[str, int]:
    """Count the items of a notification that became events, by number ("" for none).

    An item may have two events if a replay made a better one; only its newest event counts.
    """
    query = select(Event.position, Event.phone_number_id).where(Event.notification_id == notification_id)
    newest = {position: number for position, number in session.execute(query.order_by(Event.sequence))}
    return Counter(number or "" for number in newest.values())


def at(session: Session, sequence: int) -> Event | None:
    """Return the event with this sequence; None if there is none, or it was deleted."""
    return session.get(Event, sequence)


def newest(session: Session) -> Event | None:
    """Return the event with the highest sequence, or None."""
    return session.scalar(select(Event).order_by(Event.sequence.desc()).limit(1))


def newest_until(session: Session, event_id: str) -> Event | None:
    """Return the newest event created no later than the one with this id, or None. The id itself need not exist,
    because an id contains the time at which it was made."""
    return session.scalar(select(Event).where(Event.id <= event_id).order_by(Event.id.desc()).limit(1))


def last_sequence(session: Session) -> int:
    """Return the highest sequence; 0 if there are no events."""
    return session.scalar(select(func.max(Event.sequence))) or 0

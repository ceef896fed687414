"""Lists of events, ascending or descending, with filters by type, number and business account."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, text, union_all
from sqlalchemy.orm import Session

from app.models import Event

MOST = "message.status"
"""The type that most events have. A partial index covers the events of all other types."""

NOT_MOST = text("events.type <> 'message.status'")
"""The condition of that partial index: a database uses it only for queries that contain the condition."""

MANY = 10_000
MOST_STREAMS = 60


def page(
    session: Session,
    *,
    limit: int,
    after: int | None = None,
    before: int | None = None,
    type: str | None = None,
    numbers: tuple[str, ...] | None = None,
    accounts: tuple[str, ...] = (),
) -> list[Event]:
    """Return up to `limit` events: with `after`, ascending from that sequence and without gaps; else newest first,
    with sequences below `before`.

    With `numbers`, only events about one of these, or about one of the business `accounts` as a whole.
    """
    bounds: list[ColumnElement[bool]] = []
    if after is not None:
        bounds.append(Event.sequence > after)
    if before is not None:
        bounds.append(Event.sequence < before)
    order: Any = Event.sequence if after is not None else Event.sequence.desc()
    streams = _streams(session, type, numbers, accounts)
    queries = [query.where(*bounds).order_by(order).limit(limit) for query in streams]
    if not queries:
        return []
    if len(queries) == 1:
        places = list(session.scalars(queries[0]))
    else:
        merged = union_all(*(select(query.subquery().c.sequence) for query in queries)).subquery()
        column = merged.c.sequence
        ordered = select(column).order_by(column if after is not None else column.desc())
        places = list(session.scalars(ordered.limit(limit)))
    found = {row.sequence: row for row in session.scalars(select(Event).where(Event.sequence.in_(places)))}
    return [found[place] for place in places]


def _streams(
    session: Session, type: str | None, numbers: tuple[str, ...] | None, accounts: tuple[str, ...]
) -> list[Select[int]]:
    """Return queries that together cover the list and read few other rows: by type, or by each number and account."""
    query = select(Event.sequence)
    if type is not None and type != MOST and (numbers is None or _are_few(session, type)):
        of_type = query.where(Event.type == type, NOT_MOST)
        return [of_type if numbers is None else of_type.where(_is_of(numbers, accounts))]
    if type is not None:
        query = query.where(Event.type.concat("") == type)
    if numbers is None:
        return [query]
    if len(numbers) > MOST_STREAMS:
        return [query.where(_is_of(numbers, accounts))]
    of_accounts = [query.where(Event.waba_id == account) for account in accounts]
    return [query.where(Event.phone_number_id == number) for number in numbers] + of_accounts


def _is_of(numbers: tuple[str, ...], accounts: tuple[str, ...]) -> ColumnElement[bool]:
    """Return the condition that an event is about one of these. The `concat` keeps the planner from using an index."""
    return or_(Event.phone_number_id.concat("").in_(numbers), Event.waba_id.concat("").in_(accounts))


def _are_few(session: Session, type: str) -> bool:
    some = select(literal(1)).where(Event.type == type, NOT_MOST).limit(MANY).subquery()
    return (session.scalar(select(func.count()).select_from(some)) or 0) < MANY


def subjects(session: Session, ids: Collection[str]) -> Sequence[Any]:
    """Return id, type, `message_id` and `received_at` of events by our ids."""
    query = select(Event.id, Event.type, Event.message_id, Event.received_at).where(Event.id.in_(ids))
    return session.execute(query).all()

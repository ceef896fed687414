"""Queries of the health checks. Each uses an index or a row limit, so its cost does not grow with the tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import and_, bindparam, exists, func, or_, select, text, union_all
from sqlalchemy.orm import Session

from app.domain.outbound import Priority
from app.models import Delivery, Endpoint, Event, Job, Message, Notification, NumberLimit, QueuedSend, SendAttempt
from app.models.base import UtcDateTime
from app.store.deliveries import is_pending

_AT_MOST = 1000
_LONGEST_LEASE = timedelta(seconds=60)

# SQLite uses a partial index only if the query repeats the index's condition literally.
_IS_NO_STATUS = text("events.type <> 'message.status'")
_IS_SET_ASIDE = text("notifications.state IN ('parked', 'quarantined')")
_IS_FLAGGED = {
    "sqlite": text("messages.flags LIKE '%unknown_number%'"),
    "postgresql": text("messages.flags @> '[\"unknown_number\"]'"),
}


def oldest_due(session: Session, kind: str, now: datetime) -> datetime | None:
    """Return the earliest `due_at` of the due jobs of a kind, claimed or not; None if none is due."""
    return session.scalar(select(func.min(Job.due_at)).where(Job.kind == kind, Job.due_at <= now))


def long_claimed(session: Session, now: datetime, longest: timedelta) -> dict[str, datetime]:
    """Return, by endpoint id, the earliest `claimed_at` of deliveries claimed for longer than `longest`.

    Reads pending deliveries with a running lease only. Workers renew leases, and no lease is longer than a minute, so
    a later `due_at` is not that of a lease.
    """
    mine = select(Endpoint.id).where(Endpoint.removed_at.is_(None))
    is_leased = and_(Delivery.due_at > now, Delivery.due_at <= now + _LONGEST_LEASE, Delivery.claim_id.is_not(None))
    query = select(Delivery.endpoint_id, func.min(Delivery.claimed_at)).where(
        Delivery.endpoint_id.in_(mine), Delivery.is_replay.in_((False, True)), is_pending(Delivery), is_leased,
        Delivery.claimed_at < now - longest,
    )  # fmt: skip
    rows = session.execute(query.group_by(Delivery.endpoint_id))
    return {endpoint_id: since for endpoint_id, since in rows if since is not None}


def news(session: Session, types: Sequence[str], since: datetime) -> list[tuple[str, datetime, str, str | None]]:
    """Return type, time, data (JSON) and `waba_id` of events of these types since a time, oldest first.

    At most the newest 1000 of each type, in one statement.
    """
    rows = list(session.execute(_news(tuple(types)), {"since": since}))
    # Meta may report an event late, so the order of sequences is not the order of times.
    rows.sort(key=lambda row: (row.timestamp, row.sequence))
    return [(row.type, row.timestamp, row.data, row.waba_id) for row in rows]


@lru_cache(maxsize=16)
def _news(types: tuple[str, ...]) -> Any:
    since = bindparam("since", type_=UtcDateTime)
    query = select(Event.type, Event.timestamp, Event.sequence, Event.data, Event.waba_id).where(_IS_NO_STATUS)
    newest = query.where(Event.timestamp >= since).order_by(Event.sequence.desc()).limit(_AT_MOST)
    return union_all(*(select(newest.where(Event.type == type).subquery()) for type in types))


def set_aside(session: Session, since: datetime) -> dict[str, tuple[int, datetime]]:
    """Count the notifications set aside since a time, with the first `received_at`, by state; at most 1000 in all."""
    few = (
        select(Notification.state, Notification.received_at)
        .where(_IS_SET_ASIDE, Notification.received_at >= since)
        .limit(_AT_MOST)
        .subquery()
    )
    query = select(few.c.state, func.count(), func.min(few.c.received_at)).group_by(few.c.state)
    return {state: (count, first) for state, count, first in session.execute(query)}


def held(session: Session, reasons: Collection[str]) -> dict[str, tuple[int, datetime]]:
    """Count the sends held for one of these reasons, with the first `updated_at`, by number; at most 1000 in all."""
    few = (
        select(Message.phone_number_id, Message.updated_at)
        .where(Message.status == "held", Message.direction == "outbound")
        .where(func.coalesce(Message.held_for, "unknown").in_(reasons))
        .limit(_AT_MOST)
        .subquery()
    )
    query = select(few.c.phone_number_id, func.count(), func.min(few.c.updated_at)).group_by(few.c.phone_number_id)
    return {number: (count, first) for number, count, first in session.execute(query)}


def from_unknown_numbers(session: Session, since: datetime) -> dict[str, int]:
    """Count the messages received since a time for numbers that are not configured, by number; at most 1000 in all."""
    flagged = _IS_FLAGGED[session.get_bind().dialect.name]
    few = select(Message.phone_number_id).where(flagged, Message.received_at >= since).limit(_AT_MOST).subquery()
    query = select(few.c.phone_number_id, func.count()).group_by(few.c.phone_number_id)
    return {number: count for number, count in session.execute(query)}


def refusals(session: Session, error_class: str, since: datetime) -> dict[str, int | None]:
    """Return, by number, Meta's code of the newest refused attempt, if its error is of this class and no later attempt
    was accepted."""
    newest = _tries(session, "refused", since, _AT_MOST // 5)
    last: dict[str, Any] = {}
    for row in newest:
        last.setdefault(row.phone_number_id, row)
    found = [row for row in last.values() if (row.error or {}).get("class") == error_class]
    if not found:
        return {}
    went = {row.phone_number_id: row.started_at for row in reversed(_tries(session, "accepted", since, _AT_MOST))}
    return {
        row.phone_number_id: row.error.get("code")
        for row in found
        if went.get(row.phone_number_id, since) < row.started_at
    }


def paces_in_trouble(session: Session) -> Sequence[NumberLimit]:
    """Return the limits of numbers whose token Meta refused, or whose sends of priority `bulk` Meta stopped.

    No index is needed: the table has one row per number.
    """
    stopped = or_(NumberLimit.paused_for == "auth", NumberLimit.bulk_stopped_by.is_not(None))
    return session.scalars(select(NumberLimit).where(stopped).order_by(NumberLimit.phone_number_id)).all()


def has_waiting(session: Session, phone_number_id: str, priority: Priority) -> bool:
    """Return whether any send of this priority waits in the number's queue."""
    waiting = exists().where(QueuedSend.phone_number_id == phone_number_id, QueuedSend.rank == priority.rank)
    return bool(session.scalar(select(waiting)))


def unreported(session: Session, since: datetime, before: datetime, enough: int) -> dict[str, datetime]:
    """Return numbers whose newest `enough` accepted attempts between two times have no status report yet, each with the
    start of the earliest of these attempts."""
    seen: dict[str, list[Any]] = {}
    for row in _tries(session, "accepted", since, 2 * _AT_MOST, before):
        seen.setdefault(row.phone_number_id, []).append(row)
    return {
        number: rows[enough - 1].started_at
        for number, rows in seen.items()
        if len(rows) >= enough and all(row.status == "accepted" for row in rows[:enough])
    }


def database_bytes(session: Session) -> int | None:
    """Return the size of a PostgreSQL database in bytes; None for SQLite, whose files the caller measures."""
    if session.get_bind().dialect.name != "postgresql":
        return None
    return session.scalar(select(func.pg_database_size(func.current_database())))


def _tries(
    session: Session, state: str, since: datetime, limit: int, before: datetime | None = None
) -> Sequence[Any]:
    """Return at most `limit` attempts in a state, newest first, with the number and status of their messages."""
    bounds = [SendAttempt.state == state, SendAttempt.started_at >= since]
    if before is not None:
        bounds.append(SendAttempt.started_at < before)
    newest = (
        select(SendAttempt.message_id, SendAttempt.started_at, SendAttempt.error)
        .where(and_(*bounds))
        .order_by(SendAttempt.started_at.desc())
        .limit(limit)
        .subquery()
    )
    query = select(newest.c.started_at, newest.c.error, Message.phone_number_id, Message.status)
    return session.execute(
        query.join(Message, Message.id == newest.c.message_id).order_by(newest.c.started_at.desc())
    ).all()

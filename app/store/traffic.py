"""How much came and went, by minute, hour and day: counted from the tables a portion at a time, and added up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Double, and_, delete, func, literal_column, or_, select, update
from sqlalchemy.orm import Session

from app.models import CountedUpTo, Event, Message, SendAttempt, StatusReport, Traffic
from app.models.base import UtcDateTime
from app.store.dialect import add_up, insert_new

MINUTE, HOUR, DAY = 60, 3600, 86400
BAD_SIGNATURE = "gateway.bad_signature"
"""What is counted when a webhook is refused, beside what came from Meta (events, `status.…`) and went there (`send.…`).
"""

PORTION = 5_000
"""Rows counted at once."""

_FROM_META = and_(~Traffic.what.startswith("gateway."), ~Traffic.what.startswith("send."))
KEY = ("seconds", "starts_at", "phone_number_id", "what")


@dataclass(frozen=True, slots=True)
class Happened:
    """So many times, in the minute that `at` is in."""

    at: datetime
    phone_number_id: str
    what: str
    times: int = 1
    took: float = 0.0
    longest: float = 0.0


Counted = tuple[list[Happened], int]
"""What a portion of rows says, and the last row of it."""


def place(session: Session, source: str) -> int:
    """The last counted row of a source."""
    return session.scalar(select(CountedUpTo.place).where(CountedUpTo.source == source)) or 0


def move(session: Session, source: str, old: int, new: int) -> bool:
    """Note that rows up to `new` are counted; False if somebody else counted them meanwhile."""
    session.execute(insert_new(session, CountedUpTo), [{"source": source, "place": 0}])
    statement = update(CountedUpTo).where(CountedUpTo.source == source, CountedUpTo.place == old).values(place=new)
    result = session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def add(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add to what was counted before."""
    session.execute(add_up(session, Traffic, KEY, ("times", "took"), ("longest",)), rows)


def forget_minutes(session: Session, before: datetime) -> None:
    """Forget what is also known by the hour."""
    statement = delete(Traffic).where(Traffic.seconds == MINUTE, Traffic.starts_at < before)
    session.execute(statement.execution_options(synchronize_session=False))


def of_events(session: Session, after: int) -> Counted:
    """Events by type, those of imported history as `history`; they took from the webhook to being there."""
    last = session.scalar(select(func.max(Event.sequence))) or 0
    until = min(last, after + PORTION)
    if until <= after:
        return [], after
    what = "CASE WHEN events.source = 'history' THEN 'history' ELSE events.type END"
    numbered = (Event.sequence > after, Event.sequence <= until)
    return _grouped(session, "events", what, numbered, "created_at"), until


def of_reports(session: Session, after: int) -> Counted:
    """Meta's reports, as `status.<word>`."""
    last = session.scalar(select(func.max(StatusReport.id))) or 0
    until = min(last, after + PORTION)
    if until <= after:
        return [], after
    numbered = (StatusReport.id > after, StatusReport.id <= until)
    return _grouped(session, "status_reports", "'status.' || status_reports.status", numbered, "received_at"), until


def of_attempts(session: Session, after: int, before: datetime) -> Counted:
    """Tries at sending, as `send.<state>`, up to the first that may still end, or that began after `before`."""
    query = (
        select(SendAttempt.id, SendAttempt.state, SendAttempt.started_at, SendAttempt.finished_at)
        .add_columns(Message.phone_number_id)
        .join(Message, Message.id == SendAttempt.message_id)
        .where(SendAttempt.id > after)
        .order_by(SendAttempt.id)
        .limit(PORTION)
    )
    found: list[Happened] = []
    for attempt_id, state, started_at, finished_at, number in session.execute(query):
        if state == "sending" or started_at >= before:
            break
        took = max((finished_at - started_at).total_seconds(), 0.0) if finished_at else 0.0
        found.append(Happened(started_at, number, f"send.{state}", 1, took, took))
        after = attempt_id
    return found, after


def rows(happened: Iterable[Happened]) -> list[dict[str, Any]]:
    """Rows of `traffic`, by the minute, the hour and the day, in the order of their keys."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for each in happened:
        minute = each.at.replace(second=0, microsecond=0)
        for seconds, starts_at in ((MINUTE, minute), (HOUR, minute.replace(minute=0)), (DAY, day_of(minute))):
            key = (seconds, starts_at, each.phone_number_id, each.what)
            row = found.setdefault(key, dict(zip(KEY, key, strict=True)) | {"times": 0, "took": 0.0, "longest": 0.0})
            row["times"] += each.times
            row["took"] += each.took
            row["longest"] = max(row["longest"], each.longest)
    return [found[key] for key in sorted(found)]


def day_of(moment: datetime) -> datetime:
    """The beginning of its UTC day."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def refused(session: Session, since: datetime) -> dict[str, list[tuple[datetime, int]]]:
    """The minutes from then on in which webhooks were refused for their signature, and how many, by number."""
    query = select(Traffic.phone_number_id, Traffic.starts_at, Traffic.times).where(
        Traffic.seconds == MINUTE, Traffic.starts_at >= since, Traffic.what == BAD_SIGNATURE
    )
    found: dict[str, list[tuple[datetime, int]]] = {}
    for number, starts_at, times in session.execute(query.order_by(Traffic.starts_at)):
        found.setdefault(number, []).append((starts_at, times))
    return found


def last_heard(session: Session, number: str, since: datetime) -> datetime | None:
    """The last minute from then on in which Meta told us anything about a number."""
    query = select(func.max(Traffic.starts_at)).where(
        Traffic.seconds == MINUTE, Traffic.starts_at >= since, Traffic.phone_number_id == number, _FROM_META
    )
    return session.scalar(query)


def hours_heard(session: Session, since: datetime) -> dict[str, list[tuple[datetime, int]]]:
    """The hours from then on in which Meta told us anything about a number, and how often, by number, in order."""
    query = (
        select(Traffic.phone_number_id, Traffic.starts_at, func.sum(Traffic.times))
        .where(Traffic.seconds == HOUR, Traffic.starts_at >= since, _FROM_META)
        .group_by(Traffic.phone_number_id, Traffic.starts_at)
        .order_by(Traffic.starts_at)
    )
    found: dict[str, list[tuple[datetime, int]]] = {}
    for number, starts_at, times in session.execute(query):
        found.setdefault(number, []).append((starts_at, int(times)))
    return found


def totals(
    session: Session, seconds: int, since: datetime, until: datetime, numbers: tuple[str, ...] | None
) -> dict[str, tuple[int, float, float]]:
    """By what happened: how often, the sum of what it took, and the longest. `seconds` says how exactly times count."""
    spans = (
        and_(Traffic.seconds == each, Traffic.starts_at >= start, Traffic.starts_at < end)
        for each, start, end in _spans(seconds, since, until)
    )
    query = select(Traffic.what, func.sum(Traffic.times), func.sum(Traffic.took), func.max(Traffic.longest)).where(
        or_(*spans)
    )
    if numbers is not None:
        query = query.where(Traffic.phone_number_id.in_(numbers))
    found = session.execute(query.group_by(Traffic.what))
    return {what: (int(times), float(took), float(longest)) for what, times, took, longest in found}


def _spans(seconds: int, since: datetime, until: datetime) -> list[tuple[int, datetime, datetime]]:
    """The counts that add up to a time: of minutes, or of whole days with the hours before and after."""
    first, last = day_of(since + timedelta(days=1, microseconds=-1)), day_of(until)
    if seconds == MINUTE or first >= last:
        return [(seconds, since, until)]
    return [(HOUR, since, first), (DAY, first, last), (HOUR, last, until)]


def _grouped(
    session: Session, source: str, what: str, numbered: tuple[ColumnElement[bool], ...], end: str
) -> list[Happened]:
    """Rows by number, minute and what happened. They took from `received_at` to `end`."""
    start, end = f"{source}.received_at", f"{source}.{end}"
    if session.get_bind().dialect.name == "sqlite":
        minute, took = f"{start} / 60000000", f"({end} - {start}) / 1000000.0"
    else:
        minute = f"date_trunc('minute', {start})"
        took = f"CAST(extract(epoch FROM {end} - {start}) AS double precision)"
    keys: list[Any] = [literal_column(key) for key in (minute, f"coalesce({source}.phone_number_id, '')", what)]
    at: Any = literal_column(f"min({start})", UtcDateTime())
    seconds: Any = literal_column(took, Double())
    query = select(at, *keys[1:], func.count(), func.sum(seconds), func.max(seconds)).where(*numbered).group_by(*keys)
    found = session.execute(query.select_from(Event if source == "events" else StatusReport))
    return [Happened(*row[:4], max(row[4], 0.0), max(row[5], 0.0)) for row in found]

"""Traffic counts by minute, hour and day, added up from the tables batch by batch."""

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
"""Counts webhooks that were refused for their signature. Other kinds are events and `status.…` (from Meta), and
`send.…` (to Meta)."""

BATCH_SIZE = 5_000
"""Rows counted at once."""

_FROM_META = and_(~Traffic.what.startswith("gateway."), ~Traffic.what.startswith("send."))
KEY = ("seconds", "starts_at", "phone_number_id", "what")


@dataclass(frozen=True, slots=True)
class TrafficCount:
    """A count of `what` in the minute of `at`. `took` is the sum of the durations in seconds, `longest` the longest."""

    at: datetime
    phone_number_id: str
    what: str
    times: int = 1
    took: float = 0.0
    longest: float = 0.0


Counted = tuple[list[TrafficCount], int]
"""The counts of a batch of rows, and the number of its last row."""


def counted_up_to(session: Session, source: str) -> int:
    """Return the number of the last counted row of a source; 0 before the first."""
    return session.scalar(select(CountedUpTo.place).where(CountedUpTo.source == source)) or 0


def advance(session: Session, source: str, old: int, new: int) -> bool:
    """Record that the rows up to `new` are counted; return False if another worker has counted rows after `old`."""
    session.execute(insert_new(session, CountedUpTo), [{"source": source, "place": 0}])
    statement = update(CountedUpTo).where(CountedUpTo.source == source, CountedUpTo.place == old).values(place=new)
    result = session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def add(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add counts to the stored ones."""
    session.execute(add_up(session, Traffic, KEY, ("times", "took"), ("longest",)), rows)


def purge_minutes(session: Session, before: datetime) -> None:
    """Delete counts by minute before a time; those by hour stay."""
    statement = delete(Traffic).where(Traffic.seconds == MINUTE, Traffic.starts_at < before)
    session.execute(statement.execution_options(synchronize_session=False))


def of_events(session: Session, after: int) -> Counted:
    """Count the events after a sequence, by type; those of imported history as `history`. Their duration is the time
    from the webhook's receipt to the event's creation."""
    last = session.scalar(select(func.max(Event.sequence))) or 0
    until = min(last, after + BATCH_SIZE)
    if until <= after:
        return [], after
    what = "CASE WHEN events.source = 'history' THEN 'history' ELSE events.type END"
    numbered = (Event.sequence > after, Event.sequence <= until)
    return _grouped(session, "events", what, numbered, "created_at"), until


def of_reports(session: Session, after: int) -> Counted:
    """Count the status reports after an id, as `status.<status>`."""
    last = session.scalar(select(func.max(StatusReport.id))) or 0
    until = min(last, after + BATCH_SIZE)
    if until <= after:
        return [], after
    numbered = (StatusReport.id > after, StatusReport.id <= until)
    return _grouped(session, "status_reports", "'status.' || status_reports.status", numbered, "received_at"), until


def of_attempts(session: Session, after: int, before: datetime) -> Counted:
    """Count the send attempts after an id, as `send.<state>`, up to the first that is under way or started after
    `before`."""
    query = (
        select(SendAttempt.id, SendAttempt.state, SendAttempt.started_at, SendAttempt.finished_at)
        .add_columns(Message.phone_number_id)
        .join(Message, Message.id == SendAttempt.message_id)
        .where(SendAttempt.id > after)
        .order_by(SendAttempt.id)
        .limit(BATCH_SIZE)
    )
    found: list[TrafficCount] = []
    for attempt_id, state, started_at, finished_at, number in session.execute(query):
        if state == "sending" or started_at >= before:
            break
        took = max((finished_at - started_at).total_seconds(), 0.0) if finished_at else 0.0
        found.append(TrafficCount(started_at, number, f"send.{state}", 1, took, took))
        after = attempt_id
    return found, after


def rows(happened: Iterable[TrafficCount]) -> list[dict[str, Any]]:
    """Return the rows of `traffic` for these counts, by minute, hour and day, in the order of their keys."""
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
    """Return the beginning of a moment's UTC day."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def refused(session: Session, since: datetime) -> dict[str, list[tuple[datetime, int]]]:
    """Return minutes since a time and how many webhooks were refused in each for their signature, by number."""
    query = select(Traffic.phone_number_id, Traffic.starts_at, Traffic.times).where(
        Traffic.seconds == MINUTE, Traffic.starts_at >= since, Traffic.what == BAD_SIGNATURE
    )
    found: dict[str, list[tuple[datetime, int]]] = {}
    for number, starts_at, times in session.execute(query.order_by(Traffic.starts_at)):
        found.setdefault(number, []).append((starts_at, times))
    return found


def last_heard(session: Session, number: str, since: datetime) -> datetime | None:
    """Return the last minute since a time in which a webhook concerned a number, or None."""
    query = select(func.max(Traffic.starts_at)).where(
        Traffic.seconds == MINUTE, Traffic.starts_at >= since, Traffic.phone_number_id == number, _FROM_META
    )
    return session.scalar(query)


def hours_heard(session: Session, since: datetime) -> dict[str, list[tuple[datetime, int]]]:
    """Return hours since a time and how many items of webhooks concerned a number in each, by number, in order."""
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
    """Return count, sum of durations and longest duration (seconds), by kind. `seconds` is the times' resolution."""
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
    """Return the periods that add up to a time: minutes, or whole days with the hours before and after them."""
    first, last = day_of(since + timedelta(days=1, microseconds=-1)), day_of(until)
    if seconds == MINUTE or first >= last:
        return [(seconds, since, until)]
    return [(HOUR, since, first), (DAY, first, last), (HOUR, last, until)]


def _grouped(
    session: Session, source: str, what: str, numbered: tuple[ColumnElement[bool], ...], end: str
) -> list[TrafficCount]:
    """Count rows by number, minute and kind. Their duration is the time from `received_at` to the column `end`."""
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
    return [TrafficCount(*row[:4], max(row[4], 0.0), max(row[5], 0.0)) for row in found]

"""Traffic counts and histograms of latencies by minute, hour and day: add to them, and read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from app.models import CountedUpTo, LatencyCount, Traffic
from app.store.dialect import adding_up, insert_new
from app.store.many_rows import InsertMany

MINUTE, HOUR, DAY = 60, 3600, 86400
BAD_SIGNATURE = "gateway.bad_signature"
"""Counts webhooks that were refused for their signature. Other kinds are events and `status.…` (from Meta), `send.…`
(to Meta) and `delivery.…` (to the user's apps)."""

_FROM_META = and_(
    ~Traffic.what.startswith("gateway."), ~Traffic.what.startswith("send."), ~Traffic.what.startswith("delivery.")
)
KEY = ("seconds", "starts_at", "phone_number_id", "what")
LATENCY_KEY = (*KEY, "bucket")

_add_up = InsertMany(
    Traffic, *KEY, "times", "took", "longest", or_else=adding_up(KEY, ("times", "took"), ("longest",))
)
_add_up_latencies = InsertMany(LatencyCount, *LATENCY_KEY, "times", or_else=adding_up(LATENCY_KEY, ("times",)))


@dataclass(frozen=True, slots=True)
class TrafficCount:
    """A count of `what` in the minute of `at`. `took` is the sum of the durations in seconds, `longest` the longest.

    Where `latency` names a kind of `domain.latencies`, the durations count in its histogram, in `bucket`.
    """

    at: datetime
    phone_number_id: str
    what: str
    times: int = 1
    took: float = 0.0
    longest: float = 0.0
    latency: str | None = None
    bucket: int = 0


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


def add(session: Session, happened: Sequence[TrafficCount]) -> None:
    """Add counts to the stored ones."""
    if not happened:
        return
    connection = session.connection()
    _add_up.of_mappings(connection, rows(happened))
    if timed := latency_rows(happened):
        _add_up_latencies.of_mappings(connection, timed)


def purge_minutes(session: Session, before: datetime) -> None:
    """Delete counts by minute before a time; those by hour stay."""
    for model in (Traffic, LatencyCount):
        statement = delete(model).where(model.seconds == MINUTE, model.starts_at < before)
        session.execute(statement.execution_options(synchronize_session=False))


def latency_rows(happened: Iterable[TrafficCount]) -> list[dict[str, Any]]:
    """Return the rows of `latencies` for these counts, by minute, hour and day, in the order of their keys."""
    found: dict[tuple[Any, ...], int] = {}
    for each in happened:
        if each.latency is not None:
            for seconds, starts_at in _periods(each.at):
                key = (seconds, starts_at, each.phone_number_id, each.latency, each.bucket)
                found[key] = found.get(key, 0) + each.times
    return [dict(zip(LATENCY_KEY, key, strict=True)) | {"times": found[key]} for key in sorted(found)]


def _periods(at: datetime) -> tuple[tuple[int, datetime], ...]:
    minute = at.replace(second=0, microsecond=0)
    return (MINUTE, minute), (HOUR, minute.replace(minute=0)), (DAY, day_of(minute))


def rows(happened: Iterable[TrafficCount]) -> list[dict[str, Any]]:
    """Return the rows of `traffic` for these counts, by minute, hour and day, in the order of their keys."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for each in happened:
        for seconds, starts_at in _periods(each.at):
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


def series(
    session: Session, seconds: int, since: datetime, until: datetime, numbers: tuple[str, ...] | None
) -> dict[datetime, dict[str, int]]:
    """Return how often each kind happened, by the minute, hour or day (`seconds` long) that begins at the key."""
    query = select(Traffic.starts_at, Traffic.what, func.sum(Traffic.times)).where(
        Traffic.seconds == seconds, Traffic.starts_at >= since, Traffic.starts_at < until
    )
    if numbers is not None:
        query = query.where(Traffic.phone_number_id.in_(numbers))
    found: dict[datetime, dict[str, int]] = {}
    for starts_at, what, times in session.execute(query.group_by(Traffic.starts_at, Traffic.what)):
        found.setdefault(starts_at, {})[what] = int(times)
    return found


Histograms = dict[str, dict[int, int]]
"""Counts by bucket, by kind: see `domain.latencies`."""


def latency_series(
    session: Session, seconds: int, since: datetime, until: datetime, numbers: tuple[str, ...] | None
) -> dict[datetime, Histograms]:
    """Return the histograms of the minutes, hours or days (`seconds` long) between two times, by their beginning."""
    count = LatencyCount
    query = select(count.starts_at, count.what, count.bucket, func.sum(count.times)).where(
        count.seconds == seconds, count.starts_at >= since, count.starts_at < until
    )
    if numbers is not None:
        query = query.where(count.phone_number_id.in_(numbers))
    found: dict[datetime, Histograms] = {}
    for starts_at, what, bucket, times in session.execute(query.group_by(count.starts_at, count.what, count.bucket)):
        found.setdefault(starts_at, {}).setdefault(what, {})[bucket] = int(times)
    return found


def histograms(
    session: Session, seconds: int, since: datetime, until: datetime, numbers: tuple[str, ...] | None
) -> Histograms:
    """Return the histograms of a whole period. `seconds` is the times' resolution."""
    found: Histograms = {}
    for each, start, end in _spans(seconds, since, until):
        for moment in latency_series(session, each, start, end, numbers).values():
            for what, counts in moment.items():
                into = found.setdefault(what, {})
                for bucket, times in counts.items():
                    into[bucket] = into.get(bucket, 0) + times
    return found

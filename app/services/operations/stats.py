"""Statistics of a period: messages by direction and outcome, latencies, and what Meta charges for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.db.database import Database
from app.domain.latencies import DELIVERED, PROCESSED, SENT, quantile
from app.domain.numbers import Directory
from app.models import PricedMessages, SeenUsage
from app.services.operations.traffic import MINUTES_KEPT
from app.store import api_usage, pricing, traffic

FREE_SERVICE_MESSAGES = 1000
"""Free-form messages a month that Meta does not charge for, per number, since 1 October 2026."""

BY_THE_MINUTE = timedelta(days=2)
"""Longest period that is computed from counts by the minute; a longer one is computed from counts by the hour."""

Totals = dict[str, tuple[int, float, float]]
Histogram = dict[int, int]


@dataclass(frozen=True, slots=True)
class Rate:
    """The number of messages in the period, and their number per minute."""

    messages: int
    per_minute: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Average, longest, median (`p50`) and 99th percentile in seconds; None if it did not happen (`times` is 0)."""

    times: int
    average: float | None
    longest: float | None
    p50: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class Sends:
    """Send attempts by result, and messages that Meta reported as failed later. `error_rate` is from 0 to 1."""

    accepted: int
    refused: int
    unknown: int
    failed: int
    error_rate: float | None


@dataclass(frozen=True, slots=True)
class Price:
    """The numbers of billable and of free messages for one number, day and category."""

    phone_number_id: str
    day: str
    category: str
    billable: int
    free: int


@dataclass(frozen=True, slots=True)
class FreeService:
    """How many of a month's free messages a number has used."""

    phone_number_id: str
    month: str
    used: int
    of: int = FREE_SERVICE_MESSAGES


@dataclass(frozen=True, slots=True)
class Stats:
    """The statistics from `since` to `until`, which are rounded outwards to whole minutes or hours."""

    since: datetime
    until: datetime
    inbound: Rate
    outbound: Rate
    sends: Sends
    webhook_to_processed: Latency
    webhook_to_app: Latency
    send: Latency
    pricing: list[Price]
    free_service: list[FreeService]
    api_usage: Sequence[SeenUsage]


def read_stats(
    database: Database,
    directory: Directory,
    since: datetime,
    until: datetime,
    numbers: tuple[str, ...] | None,
    now: datetime,
) -> Stats:
    """Return the statistics of these numbers, of all if `numbers` is None. Raises `Unavailable`."""
    is_short = until - since <= BY_THE_MINUTE and since > now - MINUTES_KEPT
    seconds = traffic.MINUTE if is_short else traffic.HOUR
    since, until = _whole(since, seconds), _whole(until + timedelta(seconds=seconds, microseconds=-1), seconds)
    month = min(until, now).strftime("%Y-%m")
    with database.read() as session:
        totals = traffic.totals(session, seconds, since, until, numbers)
        found = traffic.histograms(session, seconds, since, until, numbers)
        last_day = (until - timedelta(microseconds=1)).date().isoformat()
        prices = pricing.by_category(session, since.date().isoformat(), last_day, numbers)
        ours = [each for each in directory.numbers.values() if numbers is None or each.phone_number_id in numbers]
        accounts = {each.waba_id for each in ours if each.waba_id}
        usage = api_usage.of(session, {each.app for each in ours}, accounts)
        of_month = pricing.by_category(session, f"{month}-01", f"{month}-31", numbers)
    minutes = (until - since).total_seconds() / 60
    accepted, echoes = _times(totals, "send.accepted"), _times(totals, "message.sent")
    return Stats(
        since,
        until,
        _rate(_times(totals, "message.received"), minutes),
        _rate(accepted + echoes, minutes),
        _sends(totals),
        _latency(totals, _is_from_meta, found.get(PROCESSED, {})),
        _to_app(totals, found.get(DELIVERED, {})),
        _latency(totals, lambda what: what.startswith("send."), found.get(SENT, {})),
        _prices(prices),
        _free_service(of_month, month),
        usage,
    )


def _whole(moment: datetime, seconds: int) -> datetime:
    """Round down to the start of the minute or the hour."""
    whole = moment.replace(second=0, microsecond=0)
    return whole if seconds == traffic.MINUTE else whole.replace(minute=0)


def _times(totals: Totals, what: str) -> int:
    return totals.get(what, (0, 0.0, 0.0))[0]


def _rate(messages: int, minutes: float) -> Rate:
    return Rate(messages, round(messages / minutes, 6) if minutes else 0.0)


def _is_from_meta(what: str) -> bool:
    return not what.startswith(("send.", "status.", "gateway.", "delivery.")) and what != "history"


def _latency(totals: Totals, is_meant: Callable[[str], bool], histogram: Histogram) -> Latency:
    found = [value for what, value in totals.items() if is_meant(what)]
    times = sum(value[0] for value in found)
    if not times:
        return Latency(0, None, None)
    took, longest = sum(value[1] for value in found), max(value[2] for value in found)
    return Latency(times, round(took / times, 6), round(longest, 6), *_quantiles(histogram, longest))


def _to_app(totals: Totals, histogram: Histogram) -> Latency:
    """Return how long events took to the user's apps. Replays, which have no duration, are not among the times."""
    times = sum(histogram.values())
    if not times:
        return Latency(0, None, None)
    _, took, longest = totals.get("delivery.delivered", (0, 0.0, 0.0))
    return Latency(times, round(took / times, 6), round(longest, 6), *_quantiles(histogram, longest))


def _quantiles(histogram: Histogram, longest: float) -> Iterator[float | None]:
    """Yield p50 and p99: of the buckets, but never more than the longest duration."""
    for found in (quantile(histogram, 0.5), quantile(histogram, 0.99)):
        yield None if found is None else round(min(found, longest), 6)


def _sends(totals: Totals) -> Sends:
    accepted, refused = _times(totals, "send.accepted"), _times(totals, "send.refused")
    unknown, failed = _times(totals, "send.unknown"), _times(totals, "status.failed")
    tries = accepted + refused + unknown
    rate = round(min((refused + failed) / tries, 1.0), 6) if tries else None
    return Sends(accepted, refused, unknown, failed, rate)


def _prices(rows: Sequence[PricedMessages]) -> list[Price]:
    found: dict[tuple[str, str, str], list[int]] = {}
    for row in rows:
        counts = found.setdefault((row.phone_number_id, row.day, row.category), [0, 0])
        counts[0 if row.billable else 1] += row.messages
    return [Price(*key, *counts) for key, counts in found.items()]


def _free_service(rows: Sequence[PricedMessages], month: str) -> list[FreeService]:
    """Sum service messages by number. Messages of free entry points are always free and do not count here."""
    used: dict[str, int] = {}
    for row in rows:
        if row.category == "service" and row.type != "free_entry_point":
            used[row.phone_number_id] = used.get(row.phone_number_id, 0) + row.messages
    return [FreeService(number, month, count) for number, count in sorted(used.items())]

"""Statistics by the minute, hour or day, for plots: what came and went, what failed, how long it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.db.database import Database
from app.domain.latencies import DELIVERED, PROCESSED, SENT, quantile
from app.errors import Invalid
from app.store import traffic

STEPS = {"minute": traffic.MINUTE, "hour": traffic.HOUR, "day": traffic.DAY}

MOST_POINTS = 1500
"""Of one answer: a day of minutes, two months of hours."""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Median and 99th percentile in seconds of `times` durations; None if there was none."""

    times: int
    p50: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Point:
    """What happened in the minute, hour or day that begins at `at`.

    `inbound` and `outbound` are messages (echoes of the phone among the latter). `refused`, `unknown` and `failed` are
    sends that Meta refused, whose outcome nobody knows, and that Meta reported as failed later; `error_rate` is the
    share of refused and failed ones among all attempts, None without any. `delivered` and `undelivered` are attempts
    to post an event to an app that it accepted, or not. `bad_signatures` are webhooks refused for their signature.
    """

    at: datetime
    inbound: int
    outbound: int
    refused: int
    unknown: int
    failed: int
    error_rate: float | None
    delivered: int
    undelivered: int
    bad_signatures: int
    webhook_to_processed: Quantiles
    webhook_to_app: Quantiles
    send: Quantiles


def read_series(
    database: Database, step: str, since: datetime, until: datetime, numbers: tuple[str, ...] | None
) -> list[Point]:
    """Return a point for each `step` (`minute`, `hour` or `day`, in UTC) from `since` to `until`, oldest first.

    Points in which nothing happened are there, too. Minutes are kept for three days. Raises `Invalid` if that were
    more than `MOST_POINTS`, and `Unavailable`.
    """
    seconds = STEPS[step]
    start, length = _whole(since, step), timedelta(seconds=seconds)
    if (until - start) / length > MOST_POINTS:
        raise Invalid(fields={"step": [f"gives more than {MOST_POINTS} points; take a longer one, or a shorter time"]})
    with database.read() as session:
        counts = traffic.series(session, seconds, start, until, numbers)
        latencies = traffic.latency_series(session, seconds, start, until, numbers)
    points = []
    while start < until:
        points.append(_point(start, counts.get(start, {}), latencies.get(start, {})))
        start += length
    return points


def _whole(moment: datetime, step: str) -> datetime:
    if step == "day":
        return traffic.day_of(moment)
    whole = moment.replace(second=0, microsecond=0)
    return whole if step == "minute" else whole.replace(minute=0)


def _point(at: datetime, counts: Mapping[str, int], latencies: traffic.Histograms) -> Point:
    accepted, refused = counts.get("send.accepted", 0), counts.get("send.refused", 0)
    unknown, failed = counts.get("send.unknown", 0), counts.get("status.failed", 0)
    tries = accepted + refused + unknown
    return Point(
        at,
        counts.get("message.received", 0),
        accepted + counts.get("message.sent", 0),
        refused,
        unknown,
        failed,
        round(min((refused + failed) / tries, 1.0), 6) if tries else None,
        counts.get("delivery.delivered", 0),
        counts.get("delivery.failed", 0),
        counts.get(traffic.BAD_SIGNATURE, 0),
        *(_quantiles(latencies.get(what, {})) for what in (PROCESSED, DELIVERED, SENT)),
    )


def _quantiles(histogram: Mapping[int, int]) -> Quantiles:
    return Quantiles(sum(histogram.values()), quantile(histogram, 0.5), quantile(histogram, 0.99))

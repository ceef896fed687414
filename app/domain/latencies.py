"""Histograms of durations: which bucket a duration counts in, and the quantiles that the buckets give."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

PROCESSED = "processed"
"""From the receipt of a webhook to the commit of its event."""

DELIVERED = "delivered"
"""From the receipt of a webhook to the moment at which an app accepted the event. Replays do not count."""

SENT = "sent"
"""One call to Graph that sends a message, however it ended."""

BOUNDS = (
    0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5,
    2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0,
)  # fmt: skip
"""Upper bounds of the buckets, in seconds. Each bucket is at most twice as wide as its lower bound up to a minute, so a
quantile is right to within half of itself. What is longer than a day counts in one bucket more."""


def bucket_of(seconds: float) -> int:
    """Return the index of the bucket of a duration; a negative duration, from clocks that differ, counts as 0."""
    return bisect_left(BOUNDS, seconds)


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the duration in seconds that `share` (0 to 1) of the counted ones do not exceed; None if none is counted.

    Between the bounds of a bucket it is interpolated, as Prometheus does.
    """
    total = sum(counts.values())
    if not total:
        return None
    wanted, seen = share * total, 0
    for bucket in sorted(counts):
        if counts[bucket] and seen + counts[bucket] >= wanted:
            if bucket >= len(BOUNDS):
                return BOUNDS[-1]
            low = BOUNDS[bucket - 1] if bucket else 0.0
            return round(low + (BOUNDS[bucket] - low) * (wanted - seen) / counts[bucket], 6)
        seen += counts[bucket]
    return BOUNDS[-1]

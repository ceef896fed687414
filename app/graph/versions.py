"""The lifetime of each version of the Graph API (Meta: Graph API changelog, as of August 2026)."""

from __future__ import annotations

from datetime import date

EXPIRES = {
    "v20.0": date(2026, 9, 24),
    "v21.0": date(2027, 1, 21),
    "v22.0": date(2027, 5, 20),
    "v23.0": date(2027, 10, 8),
    "v24.0": date(2028, 2, 18),
    "v25.0": date(2028, 7, 29),
}
"""The last day of each version. The newest has no known date; versions older than the oldest here have ended."""


def expires_on(version: str) -> date | None:
    """Return when a version ends or has ended; None if no date is known."""
    if version in EXPIRES:
        return EXPIRES[version]
    oldest = min(EXPIRES, key=_order)
    return EXPIRES[oldest] if _order(version) < _order(oldest) else None


def _order(version: str) -> float:
    return float(version.removeprefix("v"))

"""How long each version of the Graph API is there (Meta: Graph API changelog, as of August 2026)."""

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
"""By version. For the newest no date is known; what is older than the oldest here is gone."""


def expires_on(version: str) -> date | None:
    """When a version ends, or ended; None when nobody knows."""
    if version in EXPIRES:
        return EXPIRES[version]
    oldest = min(EXPIRES, key=_order)
    return EXPIRES[oldest] if _order(version) < _order(oldest) else None


def _order(version: str) -> float:
    return float(version.removeprefix("v"))

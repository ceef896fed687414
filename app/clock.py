"""What services are given to tell the time, so that a test can hand them another clock."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present, aware."""
    return datetime.now(UTC)

"""When to leave an endpoint alone: after some failures in a row, for a while, and for longer each time it fails again.

A breaker is closed (`open_until` is None), or open until a time. After that time one delivery, the probe, is tried:
its success closes the breaker, its failure opens it for twice as long.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

FAILURES = 5
"""In a row, of whatever deliveries."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=10)
_PROBE = timedelta(minutes=1)  # how long a probe may take, and more
GIVE_UP_AFTER = timedelta(days=5)
"""Of nothing but failure: the endpoint is disabled, and its backlog kept."""


@dataclass(frozen=True, slots=True)
class Health:
    """How an endpoint has been doing. All zero and None while it does well."""

    failures: int = 0
    opens: int = 0
    open_until: datetime | None = None
    failing_since: datetime | None = None

    def failed(self, now: datetime, *, is_probe: bool = False) -> Health:
        """Return the health after a failure. What was under way when the breaker opened does not open it further."""
        failed = replace(self, failures=self.failures + 1, failing_since=self.failing_since or now)
        if failed.failures < FAILURES or (self.open_until is not None and not is_probe):
            return failed
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self.opens, 10))
        return replace(failed, opens=self.opens + 1, open_until=now + pause)

    def is_over(self, now: datetime) -> bool:
        """Whether an open breaker's pause is over. One that would be longer than any is the work of a wrong clock."""
        return self.open_until is not None and not now < self.open_until <= now + LONGEST_PAUSE + _PROBE

    def is_hopeless(self, now: datetime) -> bool:
        """Whether it has failed for so long, and so often, that somebody must look at it."""
        since = self.failing_since
        return since is not None and self.failures >= FAILURES and now - since >= GIVE_UP_AFTER

"""When to leave an endpoint alone: when it is silent some times in a row, and for longer each time it is again.

A breaker is closed (`open_until` is None), or open until a time. After that time one delivery, the probe, is tried:
an answer closes the breaker, more silence opens it for twice as long. An answer about one event never opens it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.domain.verdicts import Verdict

SILENCES = 5
"""In a row, of whatever deliveries."""

ANSWERED_FOR = timedelta(seconds=60)
"""How long an app must have taken nothing before its answers count like silence: it might be about those events."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(seconds=60)
LONGEST_WISH = timedelta(hours=1)
_PROBE = timedelta(minutes=1)  # how long a probe may take, and more
GIVE_UP_AFTER = timedelta(days=5)
"""Of nothing but failure: the endpoint is disabled, and its backlog kept."""

FAILURES = 5
"""Without fewer nobody is given up."""


@dataclass(frozen=True, slots=True)
class Health:
    """How an endpoint has been doing. All zero and None while it does well.

    `failures` counts events in a row that were not taken, for whatever reason, since `failing_since`; `silences` those
    that say something of the app.
    """

    failures: int = 0
    silences: int = 0
    opens: int = 0
    open_until: datetime | None = None
    failing_since: datetime | None = None

    def after(self, verdict: Verdict, now: datetime, *, is_probe: bool = False, wish: int | None = None) -> Health:
        """Return the health after a try. `wish` is for how many seconds the app asked to be left alone (429).

        What was under way when the breaker opened does not open it further.
        """
        if verdict is Verdict.TAKEN:
            return Health()
        failed = replace(self, failures=self.failures + 1, failing_since=self.failing_since or now)
        if verdict is Verdict.REFUSED:
            return replace(failed, silences=0, opens=0, open_until=None)
        failed = replace(failed, silences=self.silences + 1)
        if wish is not None:
            until = now + min(LONGEST_WISH, timedelta(seconds=wish))
            return replace(failed, opens=max(1, self.opens), open_until=max(until, self.open_until or until))
        if not failed._is_enough(verdict, now) or (self.open_until is not None and not is_probe):
            return failed
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self.opens, 10))
        return replace(failed, opens=self.opens + 1, open_until=now + pause)

    def is_over(self, now: datetime) -> bool:
        """Whether an open breaker's pause is over. One that would be longer than any is the work of a wrong clock."""
        return self.open_until is not None and not now < self.open_until <= now + LONGEST_WISH + _PROBE

    def is_hopeless(self, now: datetime) -> bool:
        """Whether it has failed for so long, and so often, that somebody must look at it."""
        since = self.failing_since
        return since is not None and self.failures >= FAILURES and now - since >= GIVE_UP_AFTER

    def _is_enough(self, verdict: Verdict, now: datetime) -> bool:
        if self.silences < SILENCES or self.failing_since is None:
            return self.opens > 0
        return verdict is Verdict.SILENT or now - self.failing_since >= ANSWERED_FOR

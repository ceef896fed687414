"""The circuit breaker of an endpoint: after several attempts without a response, pause deliveries for a while.

A breaker is closed (`open_until` is None), or open until a time. After that time one delivery is attempted, the probe:
a response closes the breaker, otherwise it opens for twice as long. A refusal of one event never opens it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.domain.delivery_dispositions import DeliveryDisposition

SILENCES = 5
"""The breaker opens after this many consecutive attempts, of any deliveries, without an accepted or refused event."""

ANSWERED_FOR = timedelta(seconds=60)
"""How long an app that answers must have accepted nothing before the breaker opens: earlier, the failures may be about
those events."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(seconds=60)
MAX_REQUESTED_PAUSE = timedelta(hours=1)
_PROBE = timedelta(minutes=1)  # longer than a probe may take
GIVE_UP_AFTER = timedelta(days=5)
"""An endpoint at which all attempts have failed for so long is disabled. Its deliveries are kept."""

FAILURES = 5
"""An endpoint with fewer failures in a row is not disabled."""


@dataclass(frozen=True, slots=True)
class Health:
    """The health of an endpoint. All zero and None while it accepts events.

    `failures` counts attempts in a row that failed for any reason, the first at `failing_since`; `silences` those that
    failed because of the app; `opens` how often the breaker opened in a row.
    """

    failures: int = 0
    silences: int = 0
    opens: int = 0
    open_until: datetime | None = None
    failing_since: datetime | None = None

    def after(
        self,
        disposition: DeliveryDisposition,
        now: datetime,
        *,
        is_probe: bool = False,
        requested_pause: int | None = None,
    ) -> Health:
        """Return the health after an attempt.

        `requested_pause` is for how many seconds the app asked for no request (429 with `Retry-After`). Attempts that
        had started before the breaker opened do not prolong its pause; only a probe does.
        """
        if disposition is DeliveryDisposition.ACCEPTED:
            return Health()
        failed = replace(self, failures=self.failures + 1, failing_since=self.failing_since or now)
        if disposition is DeliveryDisposition.REFUSED:
            return replace(failed, silences=0, opens=0, open_until=None)
        failed = replace(failed, silences=self.silences + 1)
        if requested_pause is not None:
            until = now + min(MAX_REQUESTED_PAUSE, timedelta(seconds=requested_pause))
            return replace(failed, opens=max(1, self.opens), open_until=max(until, self.open_until or until))
        if not failed._is_enough(disposition, now) or (self.open_until is not None and not is_probe):
            return failed
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self.opens, 10))
        return replace(failed, opens=self.opens + 1, open_until=now + pause)

    def is_over(self, now: datetime) -> bool:
        """Return whether the pause of an open breaker is over, or so long that a wrong clock set it."""
        return self.open_until is not None and not now < self.open_until <= now + MAX_REQUESTED_PAUSE + _PROBE

    def is_hopeless(self, now: datetime) -> bool:
        """Return whether the endpoint has failed for so long, and so often, that it must be disabled."""
        since = self.failing_since
        return since is not None and self.failures >= FAILURES and now - since >= GIVE_UP_AFTER

    def _is_enough(self, disposition: DeliveryDisposition, now: datetime) -> bool:
        if self.silences < SILENCES or self.failing_since is None:
            return self.opens > 0
        return disposition is DeliveryDisposition.NO_RESPONSE or now - self.failing_since >= ANSWERED_FOR

"""Log changes of an endpoint's health: the first failure, every other reason, and the recovery, one line for each.

Nothing is logged while the health stays the same, so there is never a line per delivery.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.domain.breaker import Health
from app.logs import get_logger

REPEAT_AFTER = timedelta(minutes=5)
"""For an app that accepts some events and not others: how long the same reason is not logged again."""

logger = get_logger(__name__)


@dataclass(slots=True)
class _Logged:
    """What was logged last for an endpoint: the reason, None for its recovery; and when each reason was logged."""

    reason: str | None = None
    at: dict[str, datetime] = field(default_factory=dict)

    def is_recent(self, reason: str, now: datetime) -> bool:
        at = self.at.get(reason)
        return at is not None and timedelta() <= now - at < REPEAT_AFTER


class HealthLog:
    """Remembers what was logged for each endpoint. Each worker has its own, and logs the attempts it makes itself."""

    def __init__(self) -> None:
        self._logged: dict[str, _Logged] = {}

    def log_change(self, endpoint_id: str, before: Health, after: Health, reason: str | None, now: datetime) -> None:
        """Log the change of health that an attempt caused.

        `before` and `after` are the endpoint's health around the attempt. `reason` is why it failed, a status or the
        kind of error, and None for a success.
        """
        if reason is None:
            self._log_recovery(endpoint_id, before, after)
        else:
            self._log_failure(endpoint_id, before, after, reason, now)

    def _log_failure(self, endpoint_id: str, before: Health, after: Health, reason: str, now: datetime) -> None:
        logged = self._logged.setdefault(endpoint_id, _Logged())
        if not before.failures:  # it recovered meanwhile, which another worker may have logged
            logged.reason = None
        extra = {"endpoint_id": endpoint_id, "reason": reason}
        if after.opens and not before.opens:
            logger.warning("an endpoint takes no events, and is left alone between tries", extra=extra)
        elif logged.reason == reason or logged.is_recent(reason, now):
            return
        elif logged.reason is not None:
            logger.warning("an endpoint fails for another reason", extra={**extra, "before": logged.reason})
        else:
            logger.warning("an endpoint did not take an event", extra=extra)
        logged.at = {each: at for each, at in logged.at.items() if logged.is_recent(each, now)} | {reason: now}
        logged.reason = reason

    def _log_recovery(self, endpoint_id: str, before: Health, after: Health) -> None:
        logged = self._logged.get(endpoint_id)
        if not before.failures or after.failures or (logged is not None and logged.reason is None):
            return  # it was healthy before, it still fails, or its recovery is logged already
        since = before.failing_since.isoformat() if before.failing_since is not None else ""
        extra = {"endpoint_id": endpoint_id, "failures": before.failures, "failing_since": since}
        logger.info("an endpoint is well again", extra=extra)
        self._logged.setdefault(endpoint_id, _Logged()).reason = None

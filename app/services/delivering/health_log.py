"""Telling the log how endpoints do: the first failure, every change of how it fails, and the end; one line for each.

Which try shows it does not matter, and nothing is said while all stays as it is: never a line for each delivery.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.domain.breaker import Health
from app.logs import get_logger

AGAIN_AFTER = timedelta(minutes=5)
"""How long an app that takes some events and not others is not told of again for the same reason."""

logger = get_logger(__name__)


@dataclass(slots=True)
class _Told:
    """What was told last of an endpoint: why it takes nothing, or None that it is well; and when each reason was."""

    reason: str | None = None
    at: dict[str, datetime] = field(default_factory=dict)

    def is_fresh(self, reason: str, now: datetime) -> bool:
        at = self.at.get(reason)
        return at is not None and timedelta() <= now - at < AGAIN_AFTER


class HealthNews:
    """Remembers what was told of each endpoint. For one worker; each of several tells what it finds itself."""

    def __init__(self) -> None:
        self._told: dict[str, _Told] = {}

    def tell(self, endpoint_id: str, before: Health, health: Health, reason: str | None, now: datetime) -> None:
        """Log what this try has changed. `reason` is why the event was not taken (a status, or the kind of error), None
        if it was; `before` and `health` are the endpoint's health before the try and after it."""
        if reason is None:
            self._tell_well(endpoint_id, before, health)
        else:
            self._tell_failing(endpoint_id, before, health, reason, now)

    def _tell_failing(self, endpoint_id: str, before: Health, health: Health, reason: str, now: datetime) -> None:
        told = self._told.setdefault(endpoint_id, _Told())
        if not before.failures:  # it was well meanwhile, as another worker may have told, or begins anew
            told.reason = None
        extra = {"endpoint_id": endpoint_id, "reason": reason}
        if health.opens and not before.opens:
            logger.warning("an endpoint takes no events, and is left alone between tries", extra=extra)
        elif told.reason == reason or told.is_fresh(reason, now):
            return
        elif told.reason is not None:
            logger.warning("an endpoint fails for another reason", extra={**extra, "before": told.reason})
        else:
            logger.warning("an endpoint did not take an event", extra=extra)
        told.at = {each: at for each, at in told.at.items() if told.is_fresh(each, now)} | {reason: now}
        told.reason = reason

    def _tell_well(self, endpoint_id: str, before: Health, health: Health) -> None:
        told = self._told.get(endpoint_id)
        if not before.failures or health.failures or (told is not None and told.reason is None):
            return  # it was well, or that it was not went without saying
        since = before.failing_since.isoformat() if before.failing_since is not None else ""
        extra = {"endpoint_id": endpoint_id, "failures": before.failures, "failing_since": since}
        logger.info("an endpoint is well again", extra=extra)
        self._told.setdefault(endpoint_id, _Told()).reason = None

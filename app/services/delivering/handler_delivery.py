"""Calling one of the user's handlers with one event."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from app import metrics
from app.domain.endpoints import Endpoint
from app.domain.handlers import may_wake
from app.handlers.pool import HandlerPool
from app.logs import get_logger
from app.models import Event
from app.schemas.event_body import event_body
from app.services.delivering.handler_actions import HandlerActs
from app.services.delivering.types import GONE, STALE, TAKEN_BACK, WITHHELD, Tried, Work
from app.subscribers.client import Answer

NOT_LIVE = "a handler is woken only by what a customer writes now, to a number of ours"
RETURNED = 200
"""What stands for the answer of a handler that returned."""

logger = get_logger(__name__)


class CallHandler:
    """Calls handlers, each in a process that has nothing else to do meanwhile."""

    def __init__(
        self,
        pool: HandlerPool,
        acts: HandlerActs,
        with_a_person: Callable[[Event], bool],
        now: Callable[[], datetime],
        is_revoked: Callable[[Event], bool] = lambda event: False,
    ) -> None:
        self._pool = pool
        self._acts = acts
        self._with_a_person = with_a_person
        self._is_taken_back = is_revoked
        self._now = now

    def serves(self, endpoint: Endpoint) -> bool:
        """Whether this handler can be called here and now."""
        return self._pool.serves(endpoint.url)

    def __call__(self, work: Work) -> Tried:
        """Try a delivery. Raises for nothing the handler does, and `Unavailable` when the database is away."""
        now = self._now()
        if work.event is None:
            return Tried(work, now, reason=GONE)
        reason = self._why_not(work, work.event, now)
        return self._call(work, work.event, now) if reason is None else Tried(work, now, reason=reason)

    def _why_not(self, work: Work, event: Event, now: datetime) -> str | None:
        data = json.loads(event.data)
        if data.get("erased"):
            return GONE
        if event.type == "message.received" and not may_wake(data):
            return NOT_LIVE
        if work.is_stale(now):
            return STALE
        if work.claim.is_replay:
            return None
        if self._is_taken_back(event):
            return TAKEN_BACK
        return WITHHELD if self._with_a_person(event) else None

    def _call(self, work: Work, event: Event, now: datetime) -> Tried:
        outcome = self._pool.run(
            work.endpoint.url, event_body(event), self._acts.of(work, event), is_replay=work.claim.is_replay
        )
        if not outcome.is_tried:
            return Tried(work, now)
        metrics.delivery_seconds.observe(outcome.seconds)
        if outcome.error is not None:
            extra = {"endpoint_id": work.endpoint.id, "event_id": event.id, "reason": outcome.error}
            logger.warning("a handler failed", extra=extra)
        status = RETURNED if outcome.error is None else None
        trace = outcome.traceback.encode("utf-8", "replace")
        return Tried(work, now, Answer(status, trace, outcome.error, outcome.seconds))

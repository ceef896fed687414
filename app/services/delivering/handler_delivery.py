"""Call a Python handler with an event."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from app.domain.endpoints import Endpoint
from app.domain.handlers import may_wake
from app.handlers.pool import HandlerPool
from app.logs import get_logger
from app.schemas.event_body import event_body
from app.services.delivering.handler_actions import HandlerActions
from app.services.delivering.types import GONE, REVOKED, STALE, WITHHELD, DeliveryBatch, DeliveryResult
from app.store.events import StoredEvent
from app.subscribers.client import EndpointResponse

NOT_LIVE = "a handler is woken only by what a customer writes now, to a number of ours"
RETURNED = 200
"""The status recorded for a handler that returned without raising."""

logger = get_logger(__name__)


class HandlerDelivery:
    """Calls handlers in the processes of `pool`. A handler gets one event per call, so its batches have one member.

    `with_a_person` returns whether a person answers the event's contact, `is_revoked` whether the event's message was
    revoked. Handlers are not called with such events, except by a replay.
    """

    def __init__(
        self,
        pool: HandlerPool,
        actions: HandlerActions,
        with_a_person: Callable[[StoredEvent], bool],
        now: Callable[[], datetime],
        is_revoked: Callable[[StoredEvent], bool] = lambda event: False,
    ) -> None:
        self._pool = pool
        self._actions = actions
        self._with_a_person = with_a_person
        self._is_revoked = is_revoked
        self._now = now

    def serves(self, endpoint: Endpoint) -> bool:
        """Whether the handler is loaded, and this worker is not stopping."""
        return self._pool.serves(endpoint.url)

    def __call__(self, batch: DeliveryBatch) -> DeliveryResult:
        """Attempt a delivery once. Failures of the handler are part of the result; raises `Unavailable` only."""
        now = self._now()
        if batch.event is None:
            return DeliveryResult(batch, now, reason=GONE)
        reason = self._reason_not_to_call(batch, batch.event, now)
        if reason is not None:
            return DeliveryResult(batch, now, reason=reason)
        return self._call(batch, batch.event, now)

    def _reason_not_to_call(self, batch: DeliveryBatch, event: StoredEvent, now: datetime) -> str | None:
        data = json.loads(event.data)
        if data.get("erased"):
            return GONE
        if event.type == "message.received" and not may_wake(data):
            return NOT_LIVE
        if batch.is_too_old(event, now):
            return STALE
        if batch.claim.is_replay:
            return None
        if self._is_revoked(event):
            return REVOKED
        return WITHHELD if self._with_a_person(event) else None

    def _call(self, batch: DeliveryBatch, event: StoredEvent, now: datetime) -> DeliveryResult:
        result = self._pool.run(
            batch.endpoint.url,
            self._actions.files.links.in_body(event_body(event)),
            self._actions.of(batch, event),
            is_replay=batch.claim.is_replay,
        )
        if not result.was_attempted:
            return DeliveryResult(batch, now)
        if result.error is not None:
            extra = {"endpoint_id": batch.endpoint.id, "event_id": event.id, "reason": result.error}
            logger.warning("a handler failed", extra=extra)
        status = RETURNED if result.error is None else None
        trace = result.traceback.encode("utf-8", "replace")
        return DeliveryResult(batch, now, EndpointResponse(status, trace, result.error, result.seconds))

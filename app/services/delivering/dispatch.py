"""Dispatch a batch to its endpoint: an HTTP request, or a call of a Python handler."""

from __future__ import annotations

from collections.abc import Callable

from app.domain.endpoints import Endpoint
from app.logs import request_id_var
from app.services.delivering.handler_delivery import HandlerDelivery
from app.services.delivering.http_delivery import HttpDelivery
from app.services.delivering.types import DeliveryBatch, DeliveryResult


class DispatchDelivery:
    """Dispatches batches over HTTP, and to Python handlers if this process has any (`to_handler`)."""

    def __init__(self, over_http: HttpDelivery, to_handler: HandlerDelivery | None) -> None:
        self._over_http = over_http
        self._to_handler = to_handler

    def serves(self, endpoint: Endpoint) -> bool:
        """Whether this worker can dispatch to the endpoint now. Deliveries to others are left to other workers."""
        return not endpoint.is_handler or (self._to_handler is not None and self._to_handler.serves(endpoint))

    def can_begin(self, endpoint: Endpoint) -> bool:
        """Whether a delivery to this endpoint can be begun without waiting for its result."""
        return self._over_http.can_begin(endpoint)

    def begin(self, batch: DeliveryBatch, done: Callable[[DeliveryResult], None]) -> DeliveryResult | None:
        """Begin an attempt, and return None; or return the result, if nothing is to be posted."""
        return self._over_http.begin(batch, done)

    def __call__(self, batch: DeliveryBatch) -> DeliveryResult:
        """Attempt a batch once. Failures of the endpoint are part of the result; raises `Unavailable` only.

        The webhook's request id is set meanwhile, so log lines and sends caused by the delivery carry it.
        """
        token = request_id_var.set(batch.request_id)
        try:
            if batch.endpoint.is_handler and self._to_handler is not None:
                return self._to_handler(batch)
            return self._over_http(batch)
        finally:
            request_id_var.reset(token)

"""Deliveries. Made of the API's description by `client/generate.py`."""

from __future__ import annotations

from typing import Literal, cast

from whatsapp_service_client.operations.base import Operations
from whatsapp_service_client.pages import Pages
from whatsapp_service_client.transport import path_of
from whatsapp_service_client.types import DeliveryAnswer, DeliveryDetails, EndpointBacklogAnswer, RetryManyAnswer


class Deliveries(Operations):
    """Deliveries."""

    def list_deliveries(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Literal["pending", "delivered", "dead", "stale", "withheld"] | None = None,
        endpoint: str | None = None,
        event: str | None = None,
    ) -> Pages[DeliveryAnswer]:
        """List deliveries, newest first.

        - `cursor`: Where the last page ended: its `next_cursor`.
        - `endpoint`: An endpoint's id.
        - `event`: An event's id.
        """
        path = "/api/deliveries"
        query = {"limit": limit, "state": state, "endpoint": endpoint, "event": event}
        return self._pages(path, query, cursor)

    def get_delivery(self, delivery_id: str) -> DeliveryDetails:
        """Show one delivery, with every try."""
        path = path_of("/api/deliveries/{delivery_id}", delivery_id=delivery_id)
        return cast(DeliveryDetails, self.transport.json("GET", path))

    def retry_delivery(self, delivery_id: str, *, idempotency_key: str | None = None) -> DeliveryAnswer:
        """Try a delivery now. One that is dead, stale or withheld begins anew, as a replay."""
        path = path_of("/api/deliveries/{delivery_id}/retry", delivery_id=delivery_id)
        return cast(DeliveryAnswer, self.transport.json("POST", path, idempotency_key=idempotency_key))

    def list_backlogs(self) -> Pages[EndpointBacklogAnswer]:
        """Count what each endpoint is owed and what it was not given, newest endpoint first. Counts stop at 10,000."""
        path = "/api/deliveries/backlogs"
        return self._pages(path, {})

    def retry_deliveries(self, *, ids: list[str], idempotency_key: str | None = None) -> RetryManyAnswer:
        """Try several deliveries now, up to 100. Those that were delivered, or do not exist, are left out and counted.

        """
        path = "/api/deliveries/retry"
        body = {"ids": ids}
        return cast(RetryManyAnswer, self.transport.json("POST", path, body=body, idempotency_key=idempotency_key))

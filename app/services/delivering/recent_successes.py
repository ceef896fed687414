"""Remember recent successes of each endpoint, to distinguish a failure of one event from a failure of the whole app."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.domain.delivery_dispositions import DeliveryDisposition, classify
from app.services.delivering.types import DeliveryResult

RECENTLY = timedelta(seconds=5)
"""For how long after a success a 5xx is taken to be about its event, and not about the app."""


class RecentSuccesses:
    """Remembers by endpoint when it last accepted an event. In memory, so a worker that restarts knows nothing yet."""

    def __init__(self) -> None:
        self._accepted: dict[str, tuple[datetime, datetime]] = {}

    def note(self, result: DeliveryResult, now: datetime) -> None:
        """Remember a result if it is a success."""
        if result.is_success:
            posted_at, _ = self._accepted.get(result.batch.endpoint.id, (result.started_at, now))
            self._accepted[result.batch.endpoint.id] = max(posted_at, result.started_at), now

    def classify(self, result: DeliveryResult, now: datetime) -> DeliveryDisposition:
        """Return the disposition of a result with a response. `note` must have seen all results recorded with it."""
        response = result.response
        assert response is not None
        if response.is_success:
            return DeliveryDisposition.ACCEPTED
        posted_at, accepted_at = self._accepted.get(result.batch.endpoint.id, (None, None))
        is_handler = result.batch.endpoint.is_handler
        return classify(
            # A handler that raised corresponds to an app that answers 500.
            500 if is_handler and response.error is not None else response.status,
            is_complete=is_handler or response.error is None,
            was_reached=response.was_reached,
            accepted_later_event=posted_at is not None and posted_at > result.started_at,
            accepted_recently=accepted_at is not None and now - accepted_at <= RECENTLY,
        )

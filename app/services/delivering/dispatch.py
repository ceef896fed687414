"""Trying a delivery, whatever it goes to."""

from __future__ import annotations

from app.domain.endpoints import Endpoint
from app.logs import request_id_var
from app.services.delivering.handler_delivery import CallHandler
from app.services.delivering.http_delivery import PostEvent
from app.services.delivering.types import Tried, Work


class TryDelivery:
    """Posts to the user's apps, and calls their handlers where this worker has any."""

    def __init__(self, post: PostEvent, handle: CallHandler | None) -> None:
        self._post = post
        self._handle = handle

    def serves(self, endpoint: Endpoint) -> bool:
        """Whether deliveries to this endpoint can be tried by this worker now. Others wait."""
        return not endpoint.is_handler or (self._handle is not None and self._handle.serves(endpoint))

    def __call__(self, work: Work) -> Tried:
        """Try one. Raises for nothing that the other side does, and `Unavailable` as `PostEvent` does."""
        token = request_id_var.set(work.request_id)  # of every line until its end, and of every send that comes of it
        try:
            if work.endpoint.is_handler and self._handle is not None:
                return self._handle(work)
            return self._post(work)
        finally:
            request_id_var.reset(token)

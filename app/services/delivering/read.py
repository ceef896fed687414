"""Read deliveries for the API."""

from __future__ import annotations

from app.db.database import Database
from app.errors import NotFound
from app.models import Delivery, DeliveryAttempt
from app.store import delivery_list


def list_deliveries(
    database: Database, *, limit: int, before: int | None, state: str | None, endpoint_id: str | None,
    event_id: str | None,
) -> list[Delivery]:  # fmt: skip
    """Return up to `limit` deliveries, newest first, with ids below `before`. Raises `Unavailable`."""
    with database.read() as session:
        return delivery_list.page(
            session, limit=limit, before=before, state=state, endpoint_id=endpoint_id, event_id=event_id
        )


def find_delivery(database: Database, delivery_id: int) -> tuple[Delivery, list[DeliveryAttempt]]:
    """Return a delivery and its attempts, oldest first. Raises `NotFound`."""
    with database.read() as session:
        row = delivery_list.find(session, delivery_id)
        if row is None:
            raise NotFound("No delivery has this id.")
        return row, delivery_list.attempts_at(session, [row.id])

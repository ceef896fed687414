"""Retry dead deliveries, and deliver past events again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from app.db.database import Database
from app.domain.endpoints import Endpoint
from app.errors import NotFound, WrongState
from app.models import Delivery, Event
from app.services.audit_log import record_act
from app.services.delivering.unblock import unblock_endpoint
from app.services.events import is_for
from app.services.registries import to_endpoint
from app.store import deliveries, delivery_list, delivery_retries, endpoints, events
from app.store.deliveries import NewDelivery

BATCH_SIZE = 200
"""Deliveries that one transaction changes, because it holds the write lock."""


def retry_delivery(database: Database, delivery_id: int, now: datetime) -> Delivery:
    """Make a delivery due now that is pending, dead, stale or withheld, and return it.

    Raises `NotFound`, and `WrongState` if it was delivered.
    """
    with database.write() as session:
        row = delivery_list.find(session, delivery_id)
        if row is None:
            raise NotFound("No delivery has this id.")
        if row.state == "delivered":
            raise WrongState("It was delivered. To have it delivered once more, replay its event to the endpoint.")
        delivery_retries.requeue(session, [row.id], now)
        record_act(session, now, act="delivery.retried", subject=f"delivery:{delivery_id}")
    with database.read() as session:
        found = delivery_list.find(session, delivery_id)
    assert found is not None
    return found


def replay_dead(database: Database, endpoint_id: str, now: datetime) -> int:
    """Make all dead deliveries of an endpoint due now, and return their number. Raises `Unavailable`."""
    count = 0
    _record_replay(database, endpoint_id, now, {"dead": True})
    while True:
        with database.write() as session:
            ids = delivery_retries.dead_ids(session, endpoint_id, BATCH_SIZE)
            delivery_retries.requeue(session, ids, now)
        count += len(ids)
        if len(ids) < BATCH_SIZE:
            return count


def retry_all(database: Database, name: str | None, now: Callable[[], datetime]) -> tuple[int, int]:
    """Make all deliveries due now that await a retry or are dead, of one endpoint or of all.

    `name` is an endpoint's id, URL or description. Returns how many awaited a retry, and how many were dead. Raises
    `NotFound`.
    """
    with database.read() as session:
        known = endpoints.all_endpoints(session)
        ids = [row.id for row in known if name is None or name in (row.id, row.url, row.description)]
    if name is not None and not ids:
        raise NotFound("No endpoint has this id, URL or description: see `./gateway endpoints list`.")
    awaiting = sum(unblock_endpoint(database, id, now) for id in ids)
    return awaiting, sum(replay_dead(database, id, now()) for id in ids)


def replay_event(database: Database, endpoint_id: str, event_id: str, now: datetime) -> int:
    """Enqueue a replay of an event, whether or not the endpoint's filters match it. Returns 1. Raises `NotFound`."""
    with database.write() as session:
        event = events.find_many(session, [event_id]).get(event_id)
        if event is None:
            raise NotFound("No event has this id.")
        deliveries.enqueue(session, [_new_delivery(endpoint_id, event)], now, is_replay=True)
        details = {"event_id": event_id}
        record_act(session, now, act="endpoint.replayed", subject=f"endpoint:{endpoint_id}", details=details)
    return 1


def replay_range(
    database: Database, endpoint_id: str, now: datetime, *, since: datetime, until: datetime | None
) -> int:
    """Enqueue replays of the events that were received from `since` until `until` or now, and match the endpoint.

    Returns their number. Raises `NotFound`.
    """
    with database.read() as session:
        row = endpoints.find(session, endpoint_id)
    if row is None:
        raise NotFound("No endpoint has this id.")
    _record_replay(database, endpoint_id, now, {"since": since.isoformat(), "until": (until or now).isoformat()})
    endpoint = to_endpoint(row, ())
    count, after = 0, 0
    while True:
        with database.read() as session:
            found = events.received_between(session, since, until or now, after=after, limit=BATCH_SIZE)
        if not found:
            return count
        after = found[-1].sequence
        new = _replays(found, [endpoint])
        if new:
            with database.write() as session:
                deliveries.enqueue(session, new, now, is_replay=True)
        count += len(new)


def replay_of_notifications(database: Database, ids: Sequence[str], now: datetime) -> int:
    """Enqueue replays of all events of these notifications for every matching endpoint. Returns their number."""
    with database.read() as session:
        found = events.of_notifications(session, ids)
        all_endpoints = [to_endpoint(row, ()) for row in endpoints.all_endpoints(session)]
    new = _replays(found, all_endpoints)
    for start in range(0, len(new), BATCH_SIZE):
        with database.write() as session:
            deliveries.enqueue(session, new[start : start + BATCH_SIZE], now, is_replay=True)
    return len(new)


def _record_replay(database: Database, endpoint_id: str, now: datetime, details: dict[str, Any]) -> None:
    """Record a replay before it begins, in many transactions: one that is cut short was begun all the same."""
    with database.write() as session:
        record_act(session, now, act="endpoint.replayed", subject=f"endpoint:{endpoint_id}", details=details)


def _replays(found: Sequence[Event], among: Sequence[Endpoint]) -> list[NewDelivery]:
    return [
        _new_delivery(endpoint.id, event)
        for event in found
        for endpoint in among
        if is_for(endpoint, event.type, event.phone_number_id, event.notification_id, event.data)
    ]


def _new_delivery(endpoint_id: str, event: Event) -> NewDelivery:
    return NewDelivery(endpoint_id, event.id, event.contact_id, event.type == "message.status")

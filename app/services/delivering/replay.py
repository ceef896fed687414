"""Deliver again: what is dead, or what was delivered and is wanted once more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from app.db.database import Database
from app.domain.endpoints import Endpoint
from app.errors import NotFound, WrongState
from app.models import Delivery, Event
from app.services.delivering.unblock import wake_all
from app.services.events.log import is_for
from app.services.registries.endpoints import to_endpoint
from app.store import deliveries, delivery_list, endpoints, events

PORTION = 200
"""How many a transaction, which holds the write lock."""


def retry_delivery(database: Database, delivery_id: int, now: datetime) -> Delivery:
    """Try a delivery now: one that waits for its time, or was never delivered. Raises `NotFound` and `WrongState`."""
    with database.write() as session:
        row = delivery_list.find(session, delivery_id)
        if row is None:
            raise NotFound("No delivery has this id.")
        if row.state == "delivered":
            raise WrongState("It was delivered. To have it delivered once more, replay its event to the endpoint.")
        deliveries.revive(session, [row.id], now)
    with database.read() as session:
        found = delivery_list.find(session, delivery_id)
    assert found is not None
    return found


def replay_dead(database: Database, endpoint_id: str, now: datetime) -> int:
    """Try everything again that is dead for an endpoint; return how many that were."""
    count = 0
    while True:
        with database.write() as session:
            ids = deliveries.dead(session, endpoint_id, PORTION)
            deliveries.revive(session, ids, now)
        count += len(ids)
        if len(ids) < PORTION:
            return count


def retry_all(database: Database, name: str | None, now: Callable[[], datetime]) -> tuple[int, int]:
    """Try everything now that waits for its next try or is dead, of one endpoint or of all.

    `name` is an endpoint's id, or its URL or description. Returns how many waited, and how many were dead. Raises
    `NotFound`.
    """
    with database.read() as session:
        known = endpoints.all_endpoints(session)
        ids = [row.id for row in known if name is None or name in (row.id, row.url, row.description)]
    if name is not None and not ids:
        raise NotFound("No endpoint has this id, URL or description: see `./gateway endpoints list`.")
    waiting = sum(wake_all(database, id, now) for id in ids)
    return waiting, sum(replay_dead(database, id, now()) for id in ids)


def replay_event(database: Database, endpoint_id: str, event_id: str, now: datetime) -> int:
    """Deliver an event once more, wanted or not, delivered or not. Raises `NotFound`."""
    with database.write() as session:
        event = events.find_many(session, [event_id]).get(event_id)
        if event is None:
            raise NotFound("No event has this id.")
        deliveries.owe(session, [_owed(endpoint_id, event)], now, is_replay=True)
    return 1


def replay_range(
    database: Database, endpoint_id: str, now: datetime, *, since: datetime, until: datetime | None
) -> int:
    """Deliver everything once more that was received between two times and that the endpoint wants; say how many."""
    with database.read() as session:
        row = endpoints.find(session, endpoint_id)
    if row is None:
        raise NotFound("No endpoint has this id.")
    endpoint = to_endpoint(row, ())
    count, after = 0, 0
    while True:
        with database.read() as session:
            found = events.received_between(session, since, until or now, after=after, limit=PORTION)
        if not found:
            return count
        after = found[-1].sequence
        wanted = _wanted(found, [endpoint])
        if wanted:
            with database.write() as session:
                deliveries.owe(session, wanted, now, is_replay=True)
        count += len(wanted)


def replay_of_notifications(database: Database, ids: Sequence[str], now: datetime) -> int:
    """Deliver once more what was read from webhooks before, to every endpoint that wants it; say how many."""
    with database.read() as session:
        found = events.of_notifications(session, ids)
        everybody = [to_endpoint(row, ()) for row in endpoints.all_endpoints(session)]
    wanted = _wanted(found, everybody)
    for start in range(0, len(wanted), PORTION):
        with database.write() as session:
            deliveries.owe(session, wanted[start : start + PORTION], now, is_replay=True)
    return len(wanted)


def _wanted(found: Sequence[Event], by: Sequence[Endpoint]) -> list[deliveries.Owed]:
    return [
        _owed(endpoint.id, event)
        for event in found
        for endpoint in by
        if is_for(endpoint, event.type, event.phone_number_id, event.notification_id, event.data)
    ]


def _owed(endpoint_id: str, event: Event) -> deliveries.Owed:
    return deliveries.Owed(endpoint_id, event.id, event.contact_id, event.type == "message.status")

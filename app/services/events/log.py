"""Append events, and enqueue their deliveries in the same transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from app.domain.endpoints import Endpoint, Format
from app.domain.handlers import may_wake
from app.services.events.rows import EventRow
from app.services.registries import EndpointDirectory, to_endpoint
from app.store import deliveries, endpoints, events
from app.store.deliveries import NewDelivery


class EventLog:
    """Appends events for a process that writes many events: it keeps the endpoints in memory until one is changed."""

    def __init__(self, directory: EndpointDirectory) -> None:
        self._directory = directory

    def append(self, session: Session, rows: Sequence[EventRow]) -> None:
        """Insert events in this order, and a delivery for each endpoint that they match.

        The session must have called `store.events.take_turn` at its beginning, and the keys must be new.
        """
        _append(session, rows, self._directory.to_tell(session))


def append_events(session: Session, rows: Sequence[EventRow]) -> None:
    """Do what `EventLog.append` does for a writer of few events: the endpoints are read in the same transaction."""
    _append(session, rows, tuple(to_endpoint(row, ()) for row in endpoints.all_endpoints(session)))


def _append(session: Session, rows: Sequence[EventRow], among: tuple[Endpoint, ...]) -> None:
    events.append(session, rows)
    new = list(_deliveries(rows, among))
    if new:
        deliveries.enqueue(session, new, rows[0]["created_at"], is_replay=False)


def _deliveries(rows: Sequence[EventRow], among: tuple[Endpoint, ...]) -> Iterator[NewDelivery]:
    for row in rows if among else ():
        for endpoint in among:
            if is_for(endpoint, row["type"], row["phone_number_id"], row["notification_id"], row["data"]):
                yield NewDelivery(endpoint.id, row["id"], row["contact_id"], row["type"] == "message.status")


def is_for(
    endpoint: Endpoint, type: str, phone_number_id: str | None, notification_id: str | None, data: str
) -> bool:
    """Whether an event, with its data as JSON text, matches an endpoint's filters and format.

    In Meta's format only events that come from a notification can be delivered. Of inbound messages, handlers get only
    those that `may_wake` allows, whatever their filters.
    """
    if not _is_about(endpoint, phone_number_id, data) or not endpoint.wants(type):
        return False
    if endpoint.format is Format.META and notification_id is None:
        return False
    if endpoint.format is Format.META and type == "contact.updated" and json.loads(data).get("opt_out") is not None:
        return False  # the gateway adds this event to an item whose other event is delivered
    if type == "message.status" and endpoint.statuses is not None:
        return json.loads(data)["status"]["status"] in endpoint.statuses
    if type == "message.received" and (endpoint.is_handler or endpoint.message_types is not None):
        message = json.loads(data)
        is_type = endpoint.message_types is None or message.get("message_type") in endpoint.message_types
        return is_type and (may_wake(message) or not endpoint.is_handler)
    return True


def _is_about(endpoint: Endpoint, phone_number_id: str | None, data: str) -> bool:
    """Whether an event is about one of the endpoint's numbers, or about the whole business account of one of them."""
    if endpoint.numbers is None:
        return True
    if phone_number_id is not None:
        return phone_number_id in endpoint.numbers
    return not set(json.loads(data).get("phone_number_ids") or ()).isdisjoint(endpoint.numbers)

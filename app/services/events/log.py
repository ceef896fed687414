"""Writing events, and with them what is owed to the user's apps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.domain.endpoints import Endpoint, Format
from app.domain.handlers import may_wake
from app.services.registries.endpoints import EndpointDirectory, to_endpoint
from app.store import deliveries
from app.store import endpoints as store
from app.store import events


class EventLog:
    """Appends events. Whoever writes one does it here, or no app is ever told of it."""

    def __init__(self, directory: EndpointDirectory) -> None:
        self._directory = directory

    def append(self, session: Session, rows: Sequence[dict[str, Any]]) -> None:
        """Insert events in this order, and what each endpoint is owed of them. See `store.events` for what must hold
        before."""
        _append(session, rows, self._directory.to_tell(session))


def append(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """The same for who writes few events, and asks in the same transaction whom to tell."""
    _append(session, rows, tuple(to_endpoint(row, ()) for row in store.all_endpoints(session)))


def _append(session: Session, rows: Sequence[dict[str, Any]], endpoints: tuple[Endpoint, ...]) -> None:
    events.append(session, rows)
    owed = list(_owed(rows, endpoints))
    if owed:
        deliveries.enqueue(session, owed, rows[0]["created_at"], is_replay=False)


def _owed(rows: Sequence[dict[str, Any]], endpoints: tuple[Endpoint, ...]) -> Iterator[deliveries.NewDelivery]:
    for row in rows if endpoints else ():
        for endpoint in endpoints:
            if is_for(endpoint, row["type"], row["phone_number_id"], row["notification_id"], row["data"]):
                is_status = row["type"] == "message.status"
                yield deliveries.NewDelivery(endpoint.id, row["id"], row["contact_id"], is_status)


def is_for(
    endpoint: Endpoint, type: str, phone_number_id: str | None, notification_id: str | None, data: str
) -> bool:
    """Whether an endpoint wants an event, its data given as JSON text. In Meta's format there is but what Meta said.

    Handlers are woken by what a customer says now, and by no message that is only told of.
    """
    if not _is_about(endpoint, phone_number_id, data) or not endpoint.wants(type):
        return False
    if endpoint.format is Format.META and notification_id is None:
        return False
    if endpoint.format is Format.META and type == "contact.updated" and json.loads(data).get("opt_out") is not None:
        return False  # ours, of an item that has an event of its own
    if type == "message.status" and endpoint.statuses is not None:
        return json.loads(data)["status"]["status"] in endpoint.statuses
    if type == "message.received" and (endpoint.is_handler or endpoint.message_types is not None):
        message = json.loads(data)
        is_type = endpoint.message_types is None or message.get("message_type") in endpoint.message_types
        return is_type and (may_wake(message) or not endpoint.is_handler)
    return True


def _is_about(endpoint: Endpoint, phone_number_id: str | None, data: str) -> bool:
    """Whether an event is about one of the endpoint's numbers: it says so, or is about all of that number's account."""
    if endpoint.numbers is None:
        return True
    if phone_number_id is not None:
        return phone_number_id in endpoint.numbers
    return not set(json.loads(data).get("phone_number_ids") or ()).isdisjoint(endpoint.numbers)

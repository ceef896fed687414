"""Build the row of an event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from app import compact_json
from app.ids import new_id


class EventRow(TypedDict):
    """The columns of `models.Event` that its writer sets. `data` is JSON text."""

    id: str
    type: str
    key: str | None
    source: str
    phone_number_id: str | None
    waba_id: str | None
    contact_id: str | None
    contact_sequence: int | None
    message_id: str | None
    notification_id: str | None
    position: int | None
    timestamp: datetime
    received_at: datetime
    created_at: datetime
    data: str


def event_row(
    type: str,
    data: Mapping[str, Any],
    timestamp: datetime,
    *,
    id: str | None = None,
    key: str | None = None,
    source: str = "live",
    phone_number_id: str | None = None,
    waba_id: str | None = None,
    contact_id: str | None = None,
    contact_sequence: int | None = None,
    message_id: str | None = None,
    notification_id: str | None = None,
    position: int | None = None,
    received_at: datetime | None = None,
    created_at: datetime | None = None,
) -> EventRow:
    """Return the row of an event of the given type with `data`, which is any JSON object.

    By default the event gets a new id and no key, and was received and created at its `timestamp`, as is right for
    events of the gateway itself. Events of a notification name it, the item's `position` in it, and a `key` that is
    equal if the item is received again.
    """
    return {
        "id": id or new_id(),
        "type": type,
        "key": key,
        "source": source,
        "phone_number_id": phone_number_id,
        "waba_id": waba_id,
        "contact_id": contact_id,
        "contact_sequence": contact_sequence,
        "message_id": message_id,
        "notification_id": notification_id,
        "position": position,
        "timestamp": timestamp,
        "received_at": received_at or timestamp,
        "created_at": created_at or timestamp,
        "data": compact_json.encode(data),
    }

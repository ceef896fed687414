"""An event as it is posted to the user's app."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Protocol

VERSION = 1


class _Event(Protocol):
    id: str
    type: str
    timestamp: datetime
    received_at: datetime
    data: str


def event_body(event: _Event) -> bytes:
    """Return the bytes that are posted: the same ones each time, since an event never changes.

    The data are kept as JSON text and go in as they are.
    """
    delay = max(0, round((event.received_at - event.timestamp).total_seconds()))
    frame = {
        "id": event.id,
        "type": event.type,
        "version": VERSION,
        "timestamp": event.timestamp.astimezone(UTC).isoformat(),
        "received_at": event.received_at.astimezone(UTC).isoformat(),
        "delayed_seconds": delay,
    }
    head = json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
    return f'{head[:-1]},"data":{event.data}}}'.encode()

"""An event as it is posted to the user's app."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from app.clock import iso_utc

VERSION = 1


class EventLike(Protocol):
    """What is told of an event."""

    id: str
    type: str
    timestamp: datetime
    received_at: datetime
    data: str


def event_body(event: EventLike) -> bytes:
    """Return the bytes that are posted: the same ones each time, since an event never changes.

    The data are kept as JSON text and go in as they are.
    """
    return _framed(event.id, event, event.data)


def burst_body(events: Sequence[EventLike]) -> bytes:
    """Messages of one contact as one event: the id is that of the first, the times are those of the last."""
    messages = ",".join(event.data for event in events)
    return _framed(events[0].id, events[-1], f'{{"messages":[{messages}]}}')


def batch_body(events: Sequence[EventLike]) -> bytes:
    """Several events, each as it would be posted alone."""
    return b'{"events":[' + b",".join(event_body(event) for event in events) + b"]}"


def _framed(event_id: str, event: EventLike, data: str) -> bytes:
    delay = max(0, round((event.received_at - event.timestamp).total_seconds()))
    frame = {
        "id": event_id,
        "type": event.type,
        "version": VERSION,
        "timestamp": iso_utc(event.timestamp),
        "received_at": iso_utc(event.received_at),
        "delayed_seconds": delay,
    }
    head = json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
    return f'{head[:-1]},"data":{data}}}'.encode()

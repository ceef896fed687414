"""The JSON body of an event, as it is posted to the user's app."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from app import compact_json
from app.clock import iso_utc

VERSION = 1


class EventLike(Protocol):
    """The attributes of an event that its body contains."""

    @property
    def id(self) -> str:
        """Our id of the event."""

    @property
    def type(self) -> str:
        """As `message.received`."""

    @property
    def timestamp(self) -> datetime:
        """When it happened."""

    @property
    def received_at(self) -> datetime:
        """When the gateway got it."""

    @property
    def data(self) -> str:
        """JSON text."""


def event_body(event: EventLike) -> bytes:
    """Return the posted bytes, which are equal each time, because an event never changes.

    The data are stored as JSON text and inserted unchanged.
    """
    return _framed(event.id, event, event.data)


def burst_body(events: Sequence[EventLike]) -> bytes:
    """Return messages of one contact as one event, with the id of the first and the times of the last."""
    messages = ",".join(event.data for event in events)
    return _framed(events[0].id, events[-1], f'{{"messages":[{messages}]}}')


def batch_body(events: Sequence[EventLike]) -> bytes:
    """Return the body of several events, each equal to its body when posted alone."""
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
    return f'{compact_json.encode(frame)[:-1]},"data":{data}}}'.encode()

"""What is posted of one event, or of several that go together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from app.domain.endpoints import Endpoint, Format
from app.schemas.event_body import EventLike, batch_body, burst_body, event_body
from app.schemas.meta_body import meta_body
from app.services.delivering.types import Part


def compose(endpoint: Endpoint, events: Sequence[EventLike]) -> tuple[str, bytes]:
    """The id and the bytes of a POST in the format `event`: the same for the same events, however often they are tried.

    A batch's id is made of those of its events, so that it is another one if it is ever another batch.
    """
    first = events[0]
    if endpoint.debounce_seconds is not None and all(each.type == "message.received" for each in events):
        return first.id, burst_body(events)
    if endpoint.batch is None and len(events) == 1:
        return first.id, event_body(first)
    digest = hashlib.sha256(" ".join(each.id for each in events).encode())
    return f"batch-{digest.hexdigest()[:32]}", batch_body(events)


def compose_original(parts: Sequence[Part], raw: bytes | None) -> tuple[str, bytes] | None:
    """The same in Meta's format; None when the notification is not kept any more."""
    wanted = {
        part.event.position: part.callback_data
        for part in parts
        if part.event is not None and part.event.position is not None
    }
    body = meta_body(raw, wanted) if raw and wanted else None
    return None if body is None else (parts[0].claim.event_id, body)


def compose_parts(endpoint: Endpoint, parts: Sequence[Part], raw: bytes | None) -> tuple[str, bytes] | None:
    """What is posted of these parts, all of whose events are there; None when that cannot be any more."""
    if endpoint.format is Format.META:
        return compose_original(parts, raw)
    return compose(endpoint, [part.event for part in parts if part.event is not None])

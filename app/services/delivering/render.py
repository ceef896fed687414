"""Render the body of a request to an endpoint, from one event or from a batch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from app.domain.endpoints import Endpoint, Format
from app.schemas.event_body import EventLike, batch_body, burst_body, event_body
from app.schemas.meta_body import meta_body
from app.services.delivering.types import BatchMember


def render_events(endpoint: Endpoint, events: Sequence[EventLike]) -> tuple[str, bytes]:
    """Return the webhook id and the JSON body in the format `event`.

    Both are equal for equal events, so a retry posts the same bytes, but for new links to files. The id of a batch is a
    digest of its events' ids: another batch gets another id.
    """
    first = events[0]
    if endpoint.debounce_seconds is not None and all(each.type == "message.received" for each in events):
        return first.id, burst_body(events)
    if endpoint.batch is None and len(events) == 1:
        return first.id, event_body(first)
    digest = hashlib.sha256(" ".join(each.id for each in events).encode())
    return f"batch-{digest.hexdigest()[:32]}", batch_body(events)


def render(endpoint: Endpoint, members: Sequence[BatchMember], raw: bytes | None) -> tuple[str, bytes] | None:
    """Return the webhook id and the body of a batch in the endpoint's format; every member must have its event.

    `raw` is the body of Meta's notification. In Meta's format the result is None if that is no longer stored.
    """
    if endpoint.format is Format.META:
        return _render_meta(members, raw)
    return render_events(endpoint, [member.event for member in members if member.event is not None])


def _render_meta(members: Sequence[BatchMember], raw: bytes | None) -> tuple[str, bytes] | None:
    callback_data = {
        member.event.position: member.callback_data
        for member in members
        if member.event is not None and member.event.position is not None
    }
    body = meta_body(raw, callback_data) if raw and callback_data else None
    return None if body is None else (members[0].claim.event_id, body)

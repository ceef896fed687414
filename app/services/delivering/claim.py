"""Find due deliveries, claim them, and load their events."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.endpoints import Endpoint, Format
from app.models import Message, Notification
from app.services.delivering.batching import LOOKAHEAD, find_batches
from app.services.delivering.types import BatchMember, ClaimRequest, DeliveryBatch, DueDeliveries
from app.store import deliveries, delivery_batches, delivery_order, endpoints, events, messages, notifications
from app.store.deliveries import DeliveryClaim
from app.store.delivery_order import Blocked
from app.store.events import StoredEvent

LEASE = timedelta(seconds=25)
"""How long a claim lasts after its worker died. Longer than one HTTP exchange; a living worker renews it every ten
seconds."""

BLOCKED_FOR = timedelta(seconds=60)
"""After how long a blocked delivery is due again, unless the delivery that blocks it ends before."""

Claimed = list[tuple[Endpoint, list[DeliveryClaim]]]


def find_due(
    database: Database, requests: Sequence[ClaimRequest], now: datetime, *, is_busy: bool = False
) -> list[DueDeliveries]:
    """Find due deliveries for these requests, at most `limit` each. Takes no lock. Raises `Unavailable`."""
    # An idle worker makes one query; a busy one saves it.
    if not requests or not is_busy and not deliveries.any_due(database, {each.endpoint.id for each in requests}, now):
        return []
    with database.read() as session:
        found = [_find(session, request, now) for request in requests]
    return [due for due in found if due]


def _find(session: Session, request: ClaimRequest, now: datetime) -> DueDeliveries:
    endpoint = request.endpoint
    if endpoint.gathers:
        return find_batches(session, request, now)
    blocked: dict[int, Blocked] = {}
    if endpoint.ordered:
        limit = request.limit + LOOKAHEAD
        ids, blocked = delivery_order.due(session, endpoint.id, now, limit, is_replay=request.is_replay)
    else:
        ids = deliveries.due(session, endpoint.id, now, request.limit, is_replay=request.is_replay)
    if not ids:
        return DueDeliveries(request)
    free = [id for id in ids if id not in blocked][: request.limit]
    if request.is_probe:
        free = _untried_for_probe(session, request, now) or free
    return DueDeliveries(request, single=free, blocked=blocked)


def _untried_for_probe(session: Session, request: ClaimRequest, now: datetime) -> list[int]:
    """Return untried deliveries for a probe. They suit it better: one that failed may fail because of its event."""
    endpoint = request.endpoint
    ids = deliveries.recent_untried(session, endpoint.id, now, LOOKAHEAD, is_replay=request.is_replay)
    blocked = delivery_order.blocked(session, ids) if endpoint.ordered and ids else {}
    return [id for id in ids if id not in blocked][: request.limit]


def claim(
    session: Session, found: Sequence[DueDeliveries], now: datetime, changed: Collection[str] = ()
) -> Claimed:
    """Claim found deliveries that no other worker has taken since, by endpoint; of a batch only the leader.

    `changed` are the ids of endpoints whose health changed since they were found. Nothing is claimed for them, because
    their breaker may have opened; the next poll finds their deliveries again.
    """
    claimed: Claimed = []
    for due in found:
        request = due.request
        if (due.single or due.batches) and _may_claim(session, request, now, changed):
            claims: list[DeliveryClaim] = []
            if due.single:
                claims += deliveries.claim(session, due.single, now=now, lease=LEASE, is_probe=request.is_probe)
            if due.batches:
                claims += delivery_batches.claim(session, due.batches, now=now, lease=LEASE, is_probe=request.is_probe)
            if claims:
                claimed.append((request.endpoint, claims))
    deferred = {id: until for due in found for id, until in due.deferred.items()}
    if deferred:
        delivery_batches.defer(session, deferred)
    blocked = {id: seen for due in found for id, seen in due.blocked.items()}
    if blocked:
        delivery_order.defer(session, blocked, now + BLOCKED_FOR)
    return claimed


def _may_claim(session: Session, request: ClaimRequest, now: datetime, changed: Collection[str]) -> bool:
    if request.endpoint.id in changed:
        return False
    if not request.is_probe:
        return True
    seen = request.endpoint.health.open_until
    assert seen is not None
    return endpoints.claim_probe(session, request.endpoint.id, seen, now + LEASE)


def load(database: Database, claimed: Claimed) -> list[DeliveryBatch]:
    """Load the events of claimed deliveries, and the other members of their batches. Raises `Unavailable`."""
    leaders = [(endpoint, claim) for endpoint, claims in claimed for claim in claims]
    if not leaders:
        return []
    with database.read() as session:
        rows = delivery_batches.members(session, [claim.id for _, claim in leaders])
        found = events.stored(session, {each.event_id for each in (*(claim for _, claim in leaders), *rows)})
        rows_by_leader: dict[int, list[Any]] = {}
        for row in rows:
            rows_by_leader.setdefault(row.carried_by, []).append(row)
        batches = []
        for endpoint, claim in leaders:
            event = found.get(claim.event_id)
            members = [BatchMember(claim, event)]
            for row in rows_by_leader.get(claim.id, ()):
                members.append(BatchMember(_claim_of_member(claim, row), found.get(row.event_id)))
            batches.append(DeliveryBatch(endpoint, tuple(members), request_id=event.request_id if event else ""))
        return _with_originals(session, batches)


def _claim_of_member(leader: DeliveryClaim, row: Any) -> DeliveryClaim:
    return leader._replace(id=row.id, event_id=row.event_id, contact_id=row.contact_id, is_probe=False)


def _with_originals(session: Session, batches: list[DeliveryBatch]) -> list[DeliveryBatch]:
    """Add what Meta's format needs: the body of the notification, and the callers' data of outbound messages."""
    metas = [batch for batch in batches if batch.endpoint.format is Format.META]
    in_meta_format = [member.event for batch in metas for member in batch.members if member.event is not None]
    if not in_meta_format:
        return batches
    kept = notifications.find_many(session, list({event.notification_id or "" for event in in_meta_format}))
    sent = messages.find_many(session, {event.message_id for event in in_meta_format if event.message_id})
    return [
        _with_original(batch, kept, sent) if batch.endpoint.format is Format.META else batch for batch in batches
    ]


def _with_original(
    batch: DeliveryBatch, kept: Mapping[str, Notification], sent: Mapping[str, Message]
) -> DeliveryBatch:
    def callback_data(event: StoredEvent | None) -> str | None:
        message = sent.get((event.message_id if event is not None else None) or "")
        return None if message is None else message.callback_data

    ids = (member.event.notification_id or "" for member in batch.members if member.event is not None)
    notification = next((kept[id] for id in ids if id in kept), None)
    members = (dataclasses.replace(each, callback_data=callback_data(each.event)) for each in batch.members)
    return dataclasses.replace(
        batch, raw=None if notification is None else notification.raw, members=tuple(members)
    )

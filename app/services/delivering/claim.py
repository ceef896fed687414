"""Which deliveries are to be tried next."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.endpoints import Format
from app.models import Event, Message, Notification
from app.services.delivering.batching import WINDOW, gather
from app.services.delivering.types import Part, Wanted, Work
from app.store import deliveries, delivery_batches, delivery_order, endpoints, events, messages, notifications

LEASE = timedelta(seconds=25)
"""How long a worker that died keeps its deliveries from others: longer than an exchange. Renewed every ten seconds."""

HELD_BACK_FOR = timedelta(seconds=60)
"""When a delivery that waits for its predecessor is looked at again, if that has not brought it back before."""


@dataclass(slots=True)
class Found:
    """What may be claimed, by what was wanted; and what only stands in the way of a look at the rest."""

    claimable: list[tuple[Wanted, list[int]]] = field(default_factory=list)
    parcels: list[tuple[Wanted, list[list[int]]]] = field(default_factory=list)
    waiting: dict[int, delivery_order.Waiting] = field(default_factory=dict)
    later: dict[int, datetime] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.claimable or self.parcels or self.waiting or self.later)


def look(database: Database, wanted: Sequence[Wanted], now: datetime) -> Found:
    """Find what is due. Takes no lock. Raises `Unavailable`."""
    found = Found()
    # An idle worker asks one thing, and where there are no apps nothing.
    if not deliveries.any_due(database, {each.endpoint.id for each in wanted}, now):
        return found
    with database.read() as session:
        for each in wanted:
            if each.endpoint.gathers:
                _gather(session, each, now, found)
                continue
            limit = each.limit + WINDOW if each.endpoint.ordered else each.limit
            ids = deliveries.due(session, each.endpoint.id, now, limit, is_replay=each.is_replay)
            if not ids:
                continue
            waiting = delivery_order.blocked(session, ids) if each.endpoint.ordered else {}
            found.waiting |= waiting
            free = [id for id in ids if id not in waiting][: each.limit]
            if each.is_probe:
                free = _probe(session, each, now) or free
            if free:
                found.claimable.append((each, free))
    return found


def _probe(session: Session, wanted: Wanted, now: datetime) -> list[int]:
    """An event that was never tried, for a probe: what failed before may be what the app cannot take."""
    ids = deliveries.fresh_lately(session, wanted.endpoint.id, now, WINDOW, is_replay=wanted.is_replay)
    waiting = delivery_order.blocked(session, ids) if wanted.endpoint.ordered and ids else {}
    return [id for id in ids if id not in waiting][: wanted.limit]


def claim(
    session: Session, found: Found, now: datetime, changed: Collection[str] = ()
) -> list[tuple[Wanted, list[deliveries.Claim]]]:
    """Take what `look` found, in a transaction, as far as nobody else has by now.

    Endpoints that have `changed` since are left for the next look: they may have failed once too often.
    """
    claimed = []
    for wanted, ids in found.claimable:
        if _may(session, wanted, now, changed):
            got = deliveries.claim(session, ids, now=now, lease=LEASE, is_probe=wanted.is_probe)
            if got:
                claimed.append((wanted, got))
    for wanted, some in found.parcels:
        if _may(session, wanted, now, changed):
            heads = delivery_batches.claim(session, some, now=now, lease=LEASE, is_probe=wanted.is_probe)
            if heads:
                claimed.append((wanted, heads))
    if found.later:
        delivery_batches.put_off(session, found.later)
    if found.waiting:
        delivery_order.hold_back(session, found.waiting, now + HELD_BACK_FOR)
    return claimed


def _may(session: Session, wanted: Wanted, now: datetime, changed: Collection[str]) -> bool:
    if wanted.endpoint.id in changed:
        return False
    if not wanted.is_probe:
        return True
    seen = wanted.endpoint.health.open_until
    assert seen is not None
    return endpoints.take_probe(session, wanted.endpoint.id, seen, now + LEASE)


def _gather(session: Session, wanted: Wanted, now: datetime, found: Found) -> None:
    gathered = gather(session, wanted, now)
    found.waiting |= gathered.waiting
    found.later |= gathered.later
    if gathered.parcels:
        found.parcels.append((wanted, gathered.parcels))


def load(database: Database, claimed: Sequence[tuple[Wanted, list[deliveries.Claim]]]) -> list[Work]:
    """Fetch the events of claimed deliveries. Raises `Unavailable`."""
    claims = [claim for _, some in claimed for claim in some]
    if not claims:
        return []
    with database.read() as session:
        carried = delivery_batches.carried(session, [claim.id for claim in claims])
        found = events.find_many(session, {each.event_id for each in (*claims, *carried)})
        origins = notifications.request_ids(session, {each.notification_id or "" for each in found.values()})
        works = [
            Work(claim, wanted.endpoint, event := found.get(claim.event_id), request_id=_origin(event, origins))
            for wanted, some in claimed
            for claim in some
        ]
        if carried:
            works = [_with_others(work, carried, found) for work in works]
        return _with_originals(session, works)


def _origin(event: Event | None, request_ids: dict[str, str]) -> str:
    return request_ids.get((event.notification_id or "") if event is not None else "", "")


def _with_others(work: Work, carried: list[Any], found: dict[str, Event]) -> Work:
    head = work.claim
    mine = [row for row in carried if row.carried_by == head.id]
    claims = [
        dataclasses.replace(head, id=row.id, event_id=row.event_id, contact_id=row.contact_id, is_probe=False)
        for row in mine
    ]
    return dataclasses.replace(work, others=tuple(Part(claim, found.get(claim.event_id)) for claim in claims))


def _with_originals(session: Session, works: list[Work]) -> list[Work]:
    metas = [work for work in works if work.endpoint.format is Format.META]
    theirs = [part.event for work in metas for part in work.parts if part.event is not None]
    if not theirs:
        return works
    kept = notifications.find_many(session, list({event.notification_id or "" for event in theirs}))
    sent = messages.find_many(session, {event.message_id for event in theirs if event.message_id})
    return [_with_original(work, kept, sent) if work.endpoint.format is Format.META else work for work in works]


def _with_original(work: Work, kept: dict[str, Notification], sent: dict[str, Message]) -> Work:
    def own(event: Event | None) -> str | None:
        message = sent.get((event.message_id if event is not None else None) or "")
        return None if message is None else message.callback_data

    names = (part.event.notification_id or "" for part in work.parts if part.event is not None)
    notification = next((kept[name] for name in names if name in kept), None)
    return dataclasses.replace(
        work,
        raw=None if notification is None else notification.raw,
        callback_data=own(work.event),
        others=tuple(dataclasses.replace(part, callback_data=own(part.event)) for part in work.others),
    )

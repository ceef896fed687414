"""Which deliveries are to be tried next."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.database import Database
from app.domain.endpoints import Format
from app.models import Message, Notification
from app.services.delivering.work import Wanted, Work
from app.store import deliveries, endpoints, events, messages, notifications

LEASE = timedelta(seconds=25)
"""How long a worker that died keeps its deliveries from others: longer than an exchange. Renewed every ten seconds."""

HELD_BACK_FOR = timedelta(seconds=60)
"""When a delivery that waits for its predecessor is looked at again, if that has not brought it back before."""

WINDOW = 128
"""How far to look beyond deliveries that wait for others."""


@dataclass(slots=True)
class Found:
    """What may be claimed, by what was wanted; and what only stands in the way of a look at the rest."""

    claimable: list[tuple[Wanted, list[int]]] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.claimable or self.waiting)


def look(database: Database, wanted: Sequence[Wanted], now: datetime) -> Found:
    """Find what is due. Takes no lock. Raises `Unavailable`."""
    found = Found()
    if not wanted:  # the usual case where there are no apps: an idle worker asks nothing
        return found
    with database.read() as session:
        for each in wanted:
            limit = each.limit + WINDOW if each.endpoint.ordered else each.limit
            ids = deliveries.due(session, each.endpoint.id, now, limit, is_replay=each.is_replay)
            if not ids:
                continue
            waiting = deliveries.blocked(session, ids) if each.endpoint.ordered else set()
            found.waiting += sorted(waiting)
            free = [id for id in ids if id not in waiting][: each.limit]
            if free:
                found.claimable.append((each, free))
    return found


def claim(
    session: Session, found: Found, now: datetime, changed: Collection[str] = ()
) -> list[tuple[Wanted, list[deliveries.Claim]]]:
    """Take what `look` found, in a transaction, as far as nobody else has by now.

    Endpoints that have `changed` since are left for the next look: they may have failed once too often.
    """
    claimed = []
    for wanted, ids in found.claimable:
        if wanted.endpoint.id in changed:
            continue
        if wanted.is_probe:
            seen = wanted.endpoint.health.open_until
            assert seen is not None
            if not endpoints.take_probe(session, wanted.endpoint.id, seen, now + LEASE):
                continue
        got = deliveries.claim(session, ids, now=now, lease=LEASE, is_probe=wanted.is_probe)
        if got:
            claimed.append((wanted, got))
    if found.waiting:
        deliveries.hold_back(session, found.waiting, now + HELD_BACK_FOR)
    return claimed


def load(database: Database, claimed: Sequence[tuple[Wanted, list[deliveries.Claim]]]) -> list[Work]:
    """Fetch the events of claimed deliveries. Raises `Unavailable`."""
    claims = [claim for _, some in claimed for claim in some]
    if not claims:
        return []
    with database.read() as session:
        found = events.find_many(session, {claim.event_id for claim in claims})
        works = [Work(claim, wanted.endpoint, found.get(claim.event_id)) for wanted, some in claimed for claim in some]
        return _with_originals(session, works)


def _with_originals(session: Session, works: list[Work]) -> list[Work]:
    theirs = [work.event for work in works if work.endpoint.format is Format.META and work.event is not None]
    if not theirs:
        return works
    kept = notifications.find_many(session, list({event.notification_id or "" for event in theirs}))
    sent = messages.find_many(session, {event.message_id for event in theirs if event.message_id})
    return [_with_original(work, kept, sent) if work.endpoint.format is Format.META else work for work in works]


def _with_original(work: Work, kept: dict[str, Notification], sent: dict[str, Message]) -> Work:
    if work.event is None:
        return work
    notification = kept.get(work.event.notification_id or "")
    message = sent.get(work.event.message_id or "")
    return dataclasses.replace(
        work,
        raw=None if notification is None else notification.raw,
        callback_data=None if message is None else message.callback_data,
    )

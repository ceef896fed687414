"""Which deliveries go as one POST: a contact's burst, a batch, or what one notification of Meta's said of a number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.services.delivering.types import Wanted
from app.store import deliveries, delivery_batches, delivery_order
from app.store.delivery_batches import Fresh

WINDOW = 128
"""How far to look beyond deliveries that wait for others."""

MOST_AT_ONCE = 128
"""Deliveries of one endpoint that a transaction claims, or one parcel if that is larger: others wait for its lock."""

LONGEST_BURST = 50
"""Messages of a burst. When so many wait there is no waiting for more."""

MOST_PAUSES = 4
"""How many times `debounce_seconds` the first message of a burst waits, however fast others follow."""

UNTIL_READ = timedelta(seconds=0.5)
"""When to look again at a notification of which some items are still to be read."""


@dataclass(slots=True)
class Gathered:
    """What may be claimed, parcel by parcel, the head of each first; what waits for an earlier event, or for a time."""

    parcels: list[list[int]] = field(default_factory=list)
    waiting: dict[int, delivery_order.Waiting] = field(default_factory=dict)
    later: dict[int, datetime] = field(default_factory=dict)


def gather(session: Session, wanted: Wanted, now: datetime) -> Gathered:
    """Find what is due for an endpoint that gets several events at once, at most `wanted.limit` parcels."""
    endpoint = wanted.endpoint
    limit = min(wanted.limit * (endpoint.batch or 1), MOST_AT_ONCE) + WINDOW
    ids = deliveries.due(session, endpoint.id, now, limit, is_replay=wanted.is_replay)
    if not ids:
        return Gathered()
    waiting = delivery_order.blocked(session, ids) if endpoint.ordered else {}
    free = [id for id in ids if id not in waiting]
    found = _way(wanted)(session, wanted, free, now)
    found.parcels = _within_bounds(found.parcels[: wanted.limit])
    taken = {id for parcel in found.parcels for id in parcel}
    found.waiting = {id: seen for id, seen in waiting.items() if id not in taken}
    return found


def _within_bounds(found: list[list[int]]) -> list[list[int]]:
    count = 0
    kept: list[list[int]] = []
    for parcel in found:
        count += len(parcel)
        if kept and count > MOST_AT_ONCE:
            break
        kept.append(parcel)
    return kept


def _way(wanted: Wanted) -> Callable[[Session, Wanted, list[int], datetime], Gathered]:
    endpoint = wanted.endpoint
    if not endpoint.split:
        return _notifications
    if endpoint.debounce_seconds is not None and not wanted.is_replay:
        return _bursts
    return _batches


def _bursts(session: Session, wanted: Wanted, free: list[int], now: datetime) -> Gathered:
    due = delivery_batches.spoken(session, free)
    firsts = _first_of_each(due)
    contacts = {first.contact_id for first in firsts.values() if first.contact_id is not None}
    limit = len(contacts) * LONGEST_BURST
    rows = delivery_batches.spoken_by(session, wanted.endpoint.id, contacts, limit) if contacts else []
    found, rows_of = Gathered(_alone(free, due)), _by_key(rows)
    pause = timedelta(seconds=wanted.endpoint.debounce_seconds or 0)
    for key, first in firsts.items():
        burst = [row for row in rows_of.get(key, []) if row.id >= first.id][:LONGEST_BURST] or [first]
        ready_at = min(burst[-1].created_at + pause, first.created_at + MOST_PAUSES * pause)
        if ready_at <= now or len(burst) == LONGEST_BURST:
            found.parcels.append([row.id for row in burst])
        else:
            found.later |= {row.id: ready_at for row in burst}
    return found


def _notifications(session: Session, wanted: Wanted, free: list[int], now: datetime) -> Gathered:
    due = delivery_batches.noticed(session, free)
    named = {row.key[0] for row in due if row.key and row.is_ready}
    names = {name for name in named if name is not None}
    rows = delivery_batches.noticed_in(session, wanted.endpoint.id, names, is_replay=wanted.is_replay) if names else []
    found, rows_of = Gathered(_alone(free, due)), _by_key(rows)
    for key in _first_of_each(row for row in due if row.is_ready):
        if key in rows_of:
            found.parcels.append([row.id for row in rows_of[key]])
    found.later = {row.id: now + UNTIL_READ for row in due if not row.is_ready}
    return found


def _batches(session: Session, wanted: Wanted, free: list[int], now: datetime) -> Gathered:
    size = wanted.endpoint.batch or 1
    firsts = delivery_batches.fresh(session, free)
    found = Gathered(_alone(free, firsts))
    if not wanted.endpoint.ordered:
        found.parcels += [[row.id for row in firsts[start : start + size]] for start in range(0, len(firsts), size)]
        return found
    room = max(0, wanted.limit - len(found.parcels))
    found.parcels += _in_order(_runs(session, wanted, firsts), size, room)
    return found


def _runs(session: Session, wanted: Wanted, firsts: list[Fresh]) -> list[tuple[int, str | None]]:
    """What may go of each contact's lanes, in order: from the first delivery on, up to one that goes with others."""
    starts = {row.lane: row.id for row in firsts if row.lane is not None}
    contacts = {row.contact_id for row in firsts if row.contact_id is not None}
    rows: list[tuple[int, str | None]] = [(row.id, None) for row in firsts if row.contact_id is None]
    limit = MOST_AT_ONCE + WINDOW
    ended = set()
    for id, lane, is_fresh in (
        delivery_batches.following(session, wanted.endpoint.id, contacts, limit, is_replay=wanted.is_replay)
        if contacts
        else ()
    ):
        if lane in ended or lane not in starts or id < starts[lane]:
            continue
        if is_fresh:
            rows.append((id, lane))
        else:
            ended.add(lane)
    return sorted(rows)


def _in_order(rows: Iterable[tuple[int, str | None]], size: int, room: int) -> list[list[int]]:
    """Fill parcels so that no lane is in two of them, which would go side by side."""
    filled: list[list[int]] = []
    place_of: dict[str, int] = {}
    full: set[str] = set()
    for id, lane in rows:
        place = place_of.get(lane) if lane is not None else None
        if lane in full:
            continue
        if place is None:
            place = next((each for each, parcel in enumerate(filled) if len(parcel) < size), len(filled))
            if place >= room:
                continue
            if place == len(filled):
                filled.append([])
        if len(filled[place]) >= size:
            full.add(str(lane))
            continue
        filled[place].append(id)
        if lane is not None:
            place_of[lane] = place
    return filled


def _alone(free: list[int], fresh: Iterable[Fresh]) -> list[list[int]]:
    """What goes as it is: alone, or with what it was tried with before."""
    known = {row.id for row in fresh}
    return [[id] for id in free if id not in known]


def _by_key(rows: Iterable[Fresh]) -> dict[tuple[str | None, ...], list[Fresh]]:
    found: dict[tuple[str | None, ...], list[Fresh]] = {}
    for row in rows:
        if row.key is not None:
            found.setdefault(row.key, []).append(row)
    return found


def _first_of_each(rows: Iterable[Fresh]) -> dict[tuple[str | None, ...], Fresh]:
    firsts: dict[tuple[str | None, ...], Fresh] = {}
    for row in rows:
        if row.key is not None:
            firsts.setdefault(row.key, row)
    return firsts

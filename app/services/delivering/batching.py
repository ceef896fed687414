"""Choose which due deliveries are posted in one request, for endpoints that get several events at once.

A batch is a contact's burst of messages (`debounce_seconds`), up to `batch` events, or, in Meta's format with `split`
false, the events of one notification about one number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.services.delivering.types import ClaimRequest, DueDeliveries
from app.store import deliveries, delivery_batches, delivery_order
from app.store.delivery_batches import UntriedDelivery

LOOKAHEAD = 128
"""How many deliveries are read in addition to the requested number, because some of them may be blocked."""

CLAIM_BATCH_SIZE = 128
"""Most deliveries of one endpoint that a transaction claims, or one larger batch: other writers wait meanwhile."""

MAX_BURST = 50
"""Messages of a burst. A burst of this size is posted without further waiting."""

MAX_BURST_PAUSES = 4
"""The first message of a burst waits at most this many times `debounce_seconds`, even if others keep following."""

PROCESSING_RETRY = timedelta(seconds=0.5)
"""Pause before the next poll for a notification of which some items are not processed yet."""


def find_batches(session: Session, request: ClaimRequest, now: datetime) -> DueDeliveries:
    """Find at most `request.limit` batches that are due. Takes no lock."""
    endpoint = request.endpoint
    limit = min(request.limit * (endpoint.batch or 1), CLAIM_BATCH_SIZE) + LOOKAHEAD
    ids = deliveries.due(session, endpoint.id, now, limit, is_replay=request.is_replay)
    if not ids:
        return DueDeliveries(request)
    blocked = delivery_order.blocked(session, ids) if endpoint.ordered else {}
    free = [id for id in ids if id not in blocked]
    due = _kind_of_batch(request)(session, request, free, now)
    due.batches = _within_claim_size(due.batches[: request.limit])
    taken = {id for batch in due.batches for id in batch}
    due.blocked = {id: seen for id, seen in blocked.items() if id not in taken}
    return due


def _within_claim_size(batches: list[list[int]]) -> list[list[int]]:
    count = 0
    kept: list[list[int]] = []
    for batch in batches:
        count += len(batch)
        if kept and count > CLAIM_BATCH_SIZE:
            break
        kept.append(batch)
    return kept


def _kind_of_batch(request: ClaimRequest) -> Callable[[Session, ClaimRequest, list[int], datetime], DueDeliveries]:
    endpoint = request.endpoint
    if not endpoint.split:
        return _notifications
    if endpoint.debounce_seconds is not None and not request.is_replay:
        return _bursts
    return _batches


def _bursts(session: Session, request: ClaimRequest, free: list[int], now: datetime) -> DueDeliveries:
    due = delivery_batches.burst_messages(session, free)
    firsts = _first_by_key(due)
    contacts = {first.contact_id for first in firsts.values() if first.contact_id is not None}
    limit = len(contacts) * MAX_BURST
    rows = (
        delivery_batches.pending_burst_messages(session, request.endpoint.id, contacts, limit) if contacts else []
    )
    found, rows_by_key = DueDeliveries(request, batches=_alone(free, due)), _by_key(rows)
    pause = timedelta(seconds=request.endpoint.debounce_seconds or 0)
    for key, first in firsts.items():
        burst = [row for row in rows_by_key.get(key, []) if row.id >= first.id][:MAX_BURST] or [first]
        ready_at = min(burst[-1].created_at + pause, first.created_at + MAX_BURST_PAUSES * pause)
        if ready_at <= now or len(burst) == MAX_BURST:
            found.batches.append([row.id for row in burst])
        else:
            found.deferred |= {row.id: ready_at for row in burst}
    return found


def _notifications(session: Session, request: ClaimRequest, free: list[int], now: datetime) -> DueDeliveries:
    due = delivery_batches.with_notification(session, free)
    ids = {row.key[0] for row in due if row.key and row.is_ready and row.key[0] is not None}
    rows = (
        delivery_batches.pending_of_notifications(session, request.endpoint.id, ids, is_replay=request.is_replay)
        if ids
        else []
    )
    found, rows_by_key = DueDeliveries(request, batches=_alone(free, due)), _by_key(rows)
    for key in _first_by_key(row for row in due if row.is_ready):
        if key in rows_by_key:
            found.batches.append([row.id for row in rows_by_key[key]])
    found.deferred = {row.id: now + PROCESSING_RETRY for row in due if not row.is_ready}
    return found


def _batches(session: Session, request: ClaimRequest, free: list[int], now: datetime) -> DueDeliveries:
    size = request.endpoint.batch or 1
    firsts = delivery_batches.untried(session, free)
    found = DueDeliveries(request, batches=_alone(free, firsts))
    if not request.endpoint.ordered:
        found.batches += [[row.id for row in firsts[start : start + size]] for start in range(0, len(firsts), size)]
        return found
    limit = max(0, request.limit - len(found.batches))
    found.batches += _fill_in_order(_deliverable_in_order(session, request, firsts), size, limit)
    return found


def _deliverable_in_order(
    session: Session, request: ClaimRequest, firsts: list[UntriedDelivery]
) -> list[tuple[int, str | None]]:
    """Return ids and order keys: from each key's first due delivery on, up to one that is claimed, retried or batched.

    Deliveries behind the first one are blocked, but may be posted in the same request.
    """
    starts = {row.order_key: row.id for row in firsts if row.order_key is not None}
    contacts = {row.contact_id for row in firsts if row.contact_id is not None}
    rows: list[tuple[int, str | None]] = [(row.id, None) for row in firsts if row.contact_id is None]
    limit = CLAIM_BATCH_SIZE + LOOKAHEAD
    ended = set()
    for id, key, is_untried in (
        delivery_batches.pending_of_contacts(
            session, request.endpoint.id, contacts, limit, is_replay=request.is_replay
        )
        if contacts
        else ()
    ):
        if key in ended or key not in starts or id < starts[key]:
            continue
        if is_untried:
            rows.append((id, key))
        else:
            ended.add(key)
    return sorted(rows)


def _fill_in_order(rows: Iterable[tuple[int, str | None]], size: int, limit: int) -> list[list[int]]:
    """Fill up to `limit` batches of `size` ids. No order key gets into two batches, which would be posted at once."""
    filled: list[list[int]] = []
    batch_of: dict[str, int] = {}
    full: set[str] = set()
    for id, key in rows:
        place = batch_of.get(key) if key is not None else None
        if key in full:
            continue
        if place is None:
            place = next((each for each, batch in enumerate(filled) if len(batch) < size), len(filled))
            if place >= limit:
                continue
            if place == len(filled):
                filled.append([])
        if len(filled[place]) >= size:
            full.add(str(key))
            continue
        filled[place].append(id)
        if key is not None:
            batch_of[key] = place
    return filled


def _alone(free: list[int], untried: Iterable[UntriedDelivery]) -> list[list[int]]:
    """Return a batch of one for each delivery that was attempted before; `load` adds the members it was posted with."""
    known = {row.id for row in untried}
    return [[id] for id in free if id not in known]


def _by_key(rows: Iterable[UntriedDelivery]) -> dict[tuple[str | None, ...], list[UntriedDelivery]]:
    found: dict[tuple[str | None, ...], list[UntriedDelivery]] = {}
    for row in rows:
        if row.key is not None:
            found.setdefault(row.key, []).append(row)
    return found


def _first_by_key(rows: Iterable[UntriedDelivery]) -> dict[tuple[str | None, ...], UntriedDelivery]:
    firsts: dict[tuple[str | None, ...], UntriedDelivery] = {}
    for row in rows:
        if row.key is not None:
            firsts.setdefault(row.key, row)
    return firsts

"""Find rows that are too old, and delete them or their contents.

Each `find_…` reads some rows after a place, in the order in which they were stored, and returns those that may be
pruned. It never returns what is still to be processed, sent, decided or delivered: that is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from app import compact_json
from app.domain.media import MediaState
from app.ids import first_from
from app.models import (
    Delivery,
    DeliveryAttempt,
    Event,
    Media,
    Message,
    MessageIndexQueue,
    MessageRevision,
    Notification,
    SendAttempt,
    StatusReport,
)
from app.models.base import table
from app.store import audit_log, media
from app.store.deliveries import is_unfinished
from app.store.erased_events import erased_data

PRUNED = "[deleted]"
"""What a message says whose content was deleted by retention."""

UNSETTLED = ("queued", "sending", "unknown", "held")
"""Statuses of messages that may still be sent, or wait for a decision."""

_UNSYNCHRONISED = {"synchronize_session": False}
_EVENTS = table(Event)
_EMPTY_EVENT = (
    update(_EVENTS).where(_EVENTS.c.sequence == bindparam("number")).values(data=bindparam("emptied"))
)


@dataclass(frozen=True, slots=True)
class Found:
    """Rows to prune, the place of the last row that was looked at (None: there are no more), and the place before the
    first row that must stay for now."""

    rows: list[Any]
    last: str | None
    skipped_after: str | None = None


def _found(looked_at: Sequence[tuple[str, Any, bool]], after: str) -> Found:
    """Return what was found among rows in order: each is its place, what to prune (None: nothing), and if it stays."""
    skipped, previous = None, after
    for place, _, stays in looked_at:
        if stays and skipped is None:
            skipped = previous
        previous = place
    rows = [row for _, row, stays in looked_at if row is not None and not stays]
    return Found(rows, looked_at[-1][0] if looked_at else None, skipped)


def find_raw(session: Session, after: str, cutoff: datetime, limit: int) -> Found:
    """Find raw bodies of webhooks received before a time. Pending ones stay."""
    query = select(Notification.id, Notification.state, func.length(Notification.raw))
    query = query.where(Notification.id > after, Notification.id < first_from(cutoff))
    looked_at = session.execute(query.order_by(Notification.id).limit(limit)).all()
    return _found([(id, id if size else None, state == "pending") for id, state, size in looked_at], after)


def prune_raw(session: Session, ids: list[Any]) -> None:
    """Empty the raw bodies of webhooks; their tallies stay."""
    query = update(Notification).where(Notification.id.in_(ids), Notification.state != "pending")
    session.execute(query.values(raw=b""), execution_options=_UNSYNCHRONISED)


def find_contents(session: Session, after: str, cutoff: datetime, limit: int) -> Found:
    """Find messages stored before a time that have contents, each with its events' emptied data.

    A message stays while it may be sent, and while an event of it is owed to an endpoint.
    """
    query = select(Message.id, Message.status, Message.message).order_by(Message.id).limit(limit)
    looked_at = session.execute(query.where(Message.id > after, Message.id < first_from(cutoff))).all()
    ids = [row.id for row in looked_at if row.message != PRUNED]
    owed = _owed_messages(session, ids)
    emptied: dict[str, list[tuple[int, str]]] = {}
    events = select(Event.sequence, Event.message_id, Event.type, Event.data).where(Event.message_id.in_(ids))
    for sequence, message_id, kind, data in session.execute(events):
        found = json.loads(data)
        if not found.get("erased"):
            emptied.setdefault(str(message_id), []).append((sequence, compact_json.encode(erased_data(kind, found))))
    return _found(
        [
            (
                row.id,
                None if row.message == PRUNED else (row.id, emptied.get(row.id, [])),
                row.status in UNSETTLED or row.id in owed,
            )
            for row in looked_at
        ],
        after,
    )


def _owed_messages(session: Session, ids: Sequence[str | None]) -> set[str | None]:
    """Return those of these messages of which an event is still to be delivered."""
    query = select(Event.message_id).join(Delivery, Delivery.event_id == Event.id)
    return set(session.scalars(query.where(Event.message_id.in_(ids), is_unfinished(Delivery))))


def prune_contents(session: Session, rows: list[Any]) -> None:
    """Delete the contents of messages, their earlier versions, their words in the search index, and their events' data.

    Who wrote when, to which number, and what became of it stays.
    """
    ids = [id for id, _ in rows]
    files = media.ids_of_messages(session, ids)
    if files:
        prune_media(session, files)
    _run(
        session,
        update(Message)
        .where(Message.id.in_(ids), Message.status.not_in(UNSETTLED))
        .values(message=PRUNED, content={}, context=None, referral=None, callback_data=None, options=None),
        delete(MessageIndexQueue).where(MessageIndexQueue.message_id.in_(ids)),
        delete(MessageRevision).where(MessageRevision.message_id.in_(ids)),
        update(StatusReport)
        .where(StatusReport.message_id.in_(ids), StatusReport.callback_data.is_not(None))
        .values(callback_data=None),
    )
    emptied = [{"number": sequence, "emptied": data} for _, events in rows for sequence, data in events]
    if emptied:
        session.connection().execute(_EMPTY_EVENT, emptied)


def find_media(session: Session, after: str, cutoff: datetime, limit: int) -> Found:
    """Find files that came before a time. Those of messages that may still be sent, or are still owed, stay."""
    query = select(Media.id, Media.state, Media.message_id, Message.status, Media.needed_until)
    query = query.outerjoin(Message, Message.id == Media.message_id).order_by(Media.id).limit(limit)
    looked_at = session.execute(query.where(Media.id > after, Media.id < first_from(cutoff))).all()
    owed = _owed_messages(session, [row.message_id for row in looked_at])
    return _found(
        [
            (
                row.id,
                None if row.state == MediaState.ERASED else row.id,
                row.status in UNSETTLED or row.message_id in owed or _is_needed(row, cutoff),
            )
            for row in looked_at
        ],
        after,
    )


def _is_needed(row: Any, cutoff: datetime) -> bool:
    return row.needed_until is not None and row.needed_until > cutoff


def prune_media(session: Session, ids: list[Any]) -> None:
    """Delete files; a worker deletes their contents from the vault, unless another file has the same."""
    media.release(session, ids, datetime.now(UTC), reason="deleted by retention")


def find_uploads(session: Session, after: str, cutoff: datetime, limit: int) -> Found:
    """Find uploads from before a time that no message names. One that a batch shares stays until its sends have
    expired, and for as long again as others."""
    query = select(Media.id, Media.state, Media.direction, Media.message_id, Media.needed_until).order_by(Media.id)
    query = query.where(Media.id > after, Media.id < first_from(cutoff)).limit(limit)
    return _found(
        [
            (row.id, (row.id, cutoff) if _is_unused(row) else None, _is_needed(row, cutoff))
            for row in session.execute(query)
        ],
        after,
    )


def _is_unused(row: Any) -> bool:
    return row.direction == "outbound" and row.message_id is None and row.state != MediaState.ERASED


def prune_uploads(session: Session, rows: list[Any]) -> None:
    """Delete uploads that still no message names."""
    unused = media.without_message(session, [id for id, _ in rows], rows[0][1])
    if unused:
        media.release(session, unused, datetime.now(UTC), reason="no message was sent with it in time")


def find_send_attempts(session: Session, after: str, cutoff: datetime, limit: int) -> Found:
    """Find attempts to send that were started before a time. Those of messages that may still be sent stay."""
    query = select(SendAttempt.id, SendAttempt.started_at, Message.status)
    query = query.join(Message, Message.id == SendAttempt.message_id).where(SendAttempt.id > int(after or 0))
    looked_at = session.execute(query.order_by(SendAttempt.id).limit(limit)).all()
    return _found(
        [(str(id), id, status in UNSETTLED) for id, at, status in looked_at if at < cutoff], after
    )


def prune_send_attempts(session: Session, ids: list[Any]) -> None:
    """Delete attempts to send."""
    _run(session, delete(SendAttempt).where(SendAttempt.id.in_(ids)))


def find_delivery_attempts(session: Session, after: str, cutoff: datetime, limit: int) -> Found:
    """Find attempts to deliver that were started before a time. Those of deliveries that are still owed stay."""
    query = select(DeliveryAttempt.id, DeliveryAttempt.started_at, Delivery.state)
    query = query.join(Delivery, Delivery.id == DeliveryAttempt.delivery_id)
    query = query.where(DeliveryAttempt.id > int(after or 0))
    looked_at = session.execute(query.order_by(DeliveryAttempt.id).limit(limit)).all()
    return _found([(str(id), id, state == "pending") for id, at, state in looked_at if at < cutoff], after)


def prune_delivery_attempts(session: Session, ids: list[Any]) -> None:
    """Delete attempts to deliver."""
    _run(session, delete(DeliveryAttempt).where(DeliveryAttempt.id.in_(ids)))


def find_events(session: Session, after: str, cutoff: datetime, limit: int) -> Found:
    """Find events written before a time, each with the webhook it came from. Those that are still owed stay."""
    query = select(Event.sequence, Event.id, Event.notification_id, Event.created_at)
    query = query.where(Event.sequence > int(after or 0)).order_by(Event.sequence).limit(limit)
    looked_at = [row for row in session.execute(query).all() if row.created_at < cutoff]
    ids = [row.id for row in looked_at]
    owed = set(session.scalars(select(Delivery.event_id).where(Delivery.event_id.in_(ids), _is_owed())))
    return _found([(str(row.sequence), row, row.id in owed) for row in looked_at], after)


def _is_owed() -> Any:
    members = select(Delivery.carried_by).where(is_unfinished(Delivery), Delivery.carried_by.is_not(None))
    return or_(is_unfinished(Delivery), Delivery.id.in_(members))


def prune_events(session: Session, rows: list[Any]) -> None:
    """Delete events with their finished deliveries, and note at their webhooks that events are missing on purpose."""
    ids = [row.id for row in rows]
    webhooks = {row.notification_id for row in rows if row.notification_id is not None}
    _run(
        session,
        delete(Delivery).where(Delivery.event_id.in_(ids), Delivery.finished_at.is_not(None)),
        delete(Event).where(Event.sequence.in_([row.sequence for row in rows])),
        update(Notification).where(Notification.id.in_(webhooks)).values(is_pruned=True),
    )


def find_audit(session: Session, after: str, cutoff: datetime, limit: int) -> Found:
    """Find the oldest entries of the audit log's chain, from before a time."""
    entries = audit_log.oldest_sealed(session, cutoff, limit)
    return _found([(str(entry.place), (entry.place, entry.hash), False) for entry in entries], after)


def prune_audit(session: Session, rows: list[Any]) -> None:
    """Delete the oldest entries of the chain, which then begins with the hash of the last of them."""
    place, hash = rows[-1]
    head = audit_log.lock_head(session)
    if place > head.base_place:
        head.base_place, head.base_hash = place, hash
        audit_log.delete_up_to(session, place)


def _run(session: Session, *statements: Any) -> None:
    for statement in statements:
        session.execute(statement, execution_options=_UNSYNCHRONISED)

"""Erase a person's data from rows that are kept."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, literal, or_, select, update
from sqlalchemy.orm import Session

from app import compact_json
from app.models import (
    Conversation,
    Delivery,
    DeliveryAttempt,
    Event,
    Message,
    MessageRevision,
    Notification,
    QueuedSend,
    RecipientLimit,
    SendAttempt,
    StatusReport,
)
from app.store import media
from app.store.erased_events import ERASED, erased_data

UNSYNCHRONISED = {"synchronize_session": False}


def notifications_that_hold(session: Session, needles: Collection[bytes]) -> set[str]:
    """Return the ids of non-pending notifications whose raw body contains one of `needles`. Scans the whole table."""
    if not needles:
        return set()
    if session.get_bind().dialect.name == "sqlite":
        conditions = [func.instr(Notification.raw, literal(needle)) > 0 for needle in needles]
    else:
        conditions = [Notification.raw.op("LIKE")(literal(_like(needle))) for needle in needles]
    query = select(Notification.id).where(Notification.state != "pending", or_(*conditions))
    return set(session.scalars(query))


def _like(needle: bytes) -> bytes:
    for sign in (b"\\", b"%", b"_"):
        needle = needle.replace(sign, b"\\" + sign)
    return b"%" + needle + b"%"


def notifications_of(session: Session, contact_id: str) -> set[str]:
    """Return the ids of the notifications that brought a contact's messages and events."""
    found = set()
    for model in (Message, Event):
        query = select(model.notification_id).where(model.contact_id == contact_id, model.notification_id.is_not(None))
        found |= {str(each) for each in session.scalars(query)}
    return found


def conversations_of(session: Session, contact_id: str) -> list[str]:
    """Return the audit log's subjects for the conversations of a contact."""
    ids = session.scalars(select(Conversation.id).where(Conversation.contact_id == contact_id))
    return [f"conversation:{id}" for id in ids]


def erase_raw(session: Session, ids: Collection[str]) -> None:
    """Empty the raw bodies of notifications. Pending ones keep theirs, because they are still to be processed."""
    _run(session, update(Notification).where(Notification.id.in_(ids), Notification.state != "pending").values(raw=b""))


def erase_messages(session: Session, contact_id: str, limit: int, now: datetime) -> int:
    """Erase at most `limit` messages of a contact, with their attempts, reports and revisions; return their number.

    The messages lose their contact. A wamid contains the person's number, so its hash replaces it: messages stay
    distinguishable.
    """
    query = select(Message.id, Message.wamid, Message.status).where(Message.contact_id == contact_id).limit(limit)
    found = session.execute(query).all()
    ids = [row.id for row in found]
    media.release(session, media.ids_of_messages(session, ids), now)
    _run(session, delete(QueuedSend).where(QueuedSend.message_id.in_(ids)))
    for model, blank in ((SendAttempt, {"error": None}), (StatusReport, {"error": None, "callback_data": None})):
        rows = session.execute(select(model.id, model.wamid).where(model.message_id.in_(ids)))
        for row_id, wamid in rows.all():
            _run(session, update(model).where(model.id == row_id).values(wamid=_erased(wamid), **blank))
    of_them = or_(MessageRevision.message_id.in_(ids), MessageRevision.contact_id == contact_id)
    _run(session, delete(MessageRevision).where(of_them))
    for row in found:
        values: dict[str, Any] = {
            "wamid": _erased(row.wamid),
            "contact_id": None,
            "sender": None,
            "recipient": None,
            "message": ERASED,
            "content": {},
            "context": None,
            "referral": None,
            "error": None,
            "callback_data": None,
            "options": None,
            "status": "cancelled" if row.status == "queued" else row.status,
            "updated_at": now,
        }
        _run(session, update(Message).where(Message.id == row.id).values(values))
    return len(found)


def erase_events(session: Session, contact_id: str, limit: int) -> int:
    """Erase at most `limit` events of a contact, and the apps' answers to their deliveries; return their number."""
    query = select(Event.id, Event.type, Event.data).where(Event.contact_id == contact_id)
    found = session.execute(query.order_by(Event.sequence).limit(limit)).all()
    ids = [row.id for row in found]
    for row in found:
        values = {"data": _erased_data(row.type, row.data), "key": None, "contact_id": None}
        _run(session, update(Event).where(Event.id == row.id).values(values))
    owed = select(Delivery.id).where(Delivery.event_id.in_(ids))
    blank = {"answer": None, "note": None}
    _run(session, update(DeliveryAttempt).where(DeliveryAttempt.delivery_id.in_(owed)).values(blank))
    _run(session, update(Delivery).where(Delivery.event_id.in_(ids)).values(contact_id=None))
    return len(found)


def reports_that_name(session: Session, names: Collection[str]) -> list[int]:
    """Return ids of reports without a message whose wamid contains one of `names`: a wamid holds a number in base64."""
    waiting = select(StatusReport.id, StatusReport.wamid).where(StatusReport.message_id.is_(None))
    needles = [name.encode() for name in names if name]
    found = session.execute(waiting.execution_options(yield_per=1000))
    return [row.id for row in found if any(needle in _decoded(row.wamid) for needle in needles)]


def erase_reports(session: Session, ids: Collection[int]) -> None:
    """Erase wamid, error and callback data of status reports that have no message."""
    for row_id, wamid in session.execute(select(StatusReport.id, StatusReport.wamid).where(StatusReport.id.in_(ids))):
        blank = {"wamid": _erased(wamid), "error": None, "callback_data": None}
        _run(session, update(StatusReport).where(StatusReport.id == row_id).values(blank))


def erase_participant(session: Session, names: Collection[str]) -> None:
    """Replace a person's ids by hashes in the status reports on messages to groups."""
    for name in filter(None, names):
        _run(session, update(StatusReport).where(StatusReport.participant == name).values(participant=_erased(name)))


def _decoded(wamid: str) -> bytes:
    encoded = wamid.removeprefix("wamid.").replace("-", "+").replace("_", "/")
    try:
        return wamid.encode() + base64.b64decode(encoded + "=" * (-len(encoded) % 4))
    except ValueError:
        return wamid.encode()


def forget_recipient(session: Session, addresses: Collection[str]) -> None:
    """Delete the rate limits of a recipient."""
    _run(session, delete(RecipientLimit).where(RecipientLimit.recipient.in_(addresses)))


def _erased(wamid: str | None) -> str | None:
    return None if wamid is None else f"erased:{hashlib.sha256(wamid.encode()).hexdigest()}"


def _erased_data(kind: str, data: str) -> str:
    return compact_json.encode(erased_data(kind, json.loads(data)))


def _run(session: Session, statement: Any) -> None:
    session.execute(statement, execution_options=UNSYNCHRONISED)

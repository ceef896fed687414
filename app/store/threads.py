"""The messages of a conversation in the order of their times, and what a thread shows beside them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import func, literal_column, select, tuple_, union_all
from sqlalchemy.orm import Session

from app.domain.messages import Message as DomainMessage
from app.models import ConversationNote, Message, MessageRevision, SendAttempt, StatusReport
from app.models.base import table
from app.store.conversation_messages import of_messages

Place = tuple[datetime, str]
"""Timestamp and id of a message."""

MOST_REACTIONS = 1000

_MESSAGES, _REVISIONS, _ATTEMPTS = table(Message), table(MessageRevision), table(SendAttempt)
_REPORTS, _NOTES = table(StatusReport), table(ConversationNote)
_FIELDS = tuple(
    "wamid" if each.name == "message_id" else each.name
    for each in fields(DomainMessage)
    if each.name not in ("contact", "channel")
)
_SHOWN: tuple[Any, ...] = tuple(
    _MESSAGES.c[name] for name in (*_FIELDS, "contact_id", "sent_by", "held_for", "batch_id")
)
_PLACE = (_MESSAGES.c.timestamp, _MESSAGES.c.id)


def page(
    session: Session, key: tuple[str, str], *, limit: int, before: Place | None = None, after: Place | None = None
) -> list[Any]:
    """Return up to `limit` messages, oldest first: the newest ones before a place, or the oldest ones after one."""
    query = select(*_SHOWN).where(*of_messages(key)).limit(limit)
    if after is not None:
        query = query.where(tuple_(*_PLACE) > after)
        return list(session.execute(query.order_by(*_PLACE)))
    if before is not None:
        query = query.where(tuple_(*_PLACE) < before)
    newest_first = query.order_by(*(column.desc() for column in _PLACE))
    return list(session.execute(newest_first))[::-1]


def reactions(session: Session, contact_id: str, since: datetime) -> Sequence[Any]:
    """Return the reactions in both directions between a contact and all our numbers since a time, oldest first."""
    query = (
        select(
            _MESSAGES.c.id, _MESSAGES.c.direction, _MESSAGES.c.content, _MESSAGES.c.timestamp, _MESSAGES.c.status,
            _MESSAGES.c.sent_by,
        )
        .where(
            _MESSAGES.c.contact_id == contact_id,
            _MESSAGES.c.timestamp >= since,
            # Written out, since a partial index is used only where its condition stands in the query.
            literal_column("messages.message_type = 'reaction'"),
        )
        .order_by(*(column.desc() for column in _PLACE))
        .limit(MOST_REACTIONS)
    )  # fmt: skip
    return session.execute(query).all()[::-1]


def stored(session: Session, wamids: Collection[str]) -> set[str]:
    """Return those of these wamids whose messages are stored."""
    if not wamids:
        return set()
    own = select(_MESSAGES.c.wamid).where(_MESSAGES.c.wamid.in_(wamids))
    earlier = select(_ATTEMPTS.c.wamid).where(_ATTEMPTS.c.wamid.in_(wamids))
    return {wamid for wamid in session.scalars(union_all(own, earlier)) if wamid is not None}


def wamids_of(session: Session, message_ids: Collection[str]) -> dict[str, str]:
    """Return our ids of these messages by the wamids of all their attempts."""
    query = select(_ATTEMPTS.c.wamid, _ATTEMPTS.c.message_id).where(
        _ATTEMPTS.c.message_id.in_(message_ids), _ATTEMPTS.c.wamid.is_not(None)
    )
    return {wamid: message_id for wamid, message_id in session.execute(query)}


def quoted(session: Session, message_ids: Collection[str], wamids: Collection[str]) -> Sequence[Any]:
    """Return what a quotation shows of these messages, given by our ids or by wamids."""
    if not message_ids and not wamids:
        return []
    shown = [_MESSAGES.c[name] for name in _QUOTED]
    return session.execute(
        union_all(
            select(*shown).where(_MESSAGES.c.id.in_(message_ids)),
            select(*shown).where(_MESSAGES.c.wamid.in_(wamids)),
        )
    ).all()


_QUOTED = ("id", "wamid", "contact_id", "phone_number_id", "direction", "message_type", "message")


def revisions(session: Session, message_ids: Collection[str]) -> Sequence[Any]:
    """Return the edits and revocations of these messages, oldest first."""
    query = select(_REVISIONS).where(_REVISIONS.c.message_id.in_(message_ids))
    return session.execute(query.order_by(_REVISIONS.c.timestamp, _REVISIONS.c.id)).all()


def attempts(session: Session, message_ids: Collection[str]) -> Sequence[Any]:
    """Return the attempts to send these messages, first to last."""
    query = select(_ATTEMPTS).where(_ATTEMPTS.c.message_id.in_(message_ids))
    return session.execute(query.order_by(_ATTEMPTS.c.message_id, _ATTEMPTS.c.number)).all()


def status_times(session: Session, message_ids: Collection[str]) -> Sequence[Any]:
    """Return `message_id`, `status` and the first time (`at`) at which Meta reported it of these messages."""
    query = (
        select(_REPORTS.c.message_id, _REPORTS.c.status, func.min(_REPORTS.c.timestamp).label("at"))
        .where(_REPORTS.c.message_id.in_(message_ids), _REPORTS.c.participant == "")
        .group_by(_REPORTS.c.message_id, _REPORTS.c.status)
    )
    return session.execute(query).all()


def notes(
    session: Session, conversation_id: str, *, since: datetime | None, until: datetime | None, limit: int | None = None
) -> Sequence[Any]:
    """Return the newest notes of a conversation between two times, oldest first; all of them without a limit."""
    query = select(_NOTES).where(_NOTES.c.conversation_id == conversation_id)
    if since is not None:
        query = query.where(_NOTES.c.created_at >= since)
    if until is not None:
        query = query.where(_NOTES.c.created_at < until)
    newest_first = query.order_by(_NOTES.c.created_at.desc(), _NOTES.c.id.desc()).limit(limit)
    return session.execute(newest_first).all()[::-1]

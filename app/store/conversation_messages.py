"""The messages of a conversation: which they are, which count as unread, and their places in the thread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from app.models import Message
from app.models.base import table

_MESSAGES = table(Message)
_NO_NEWS = ("reaction", "system", "request_welcome")


def of_messages(key: tuple[str, str]) -> list[Any]:
    """Return the conditions that a message belongs to the conversation of this contact and number."""
    return [
        _MESSAGES.c.contact_id == key[0],
        _MESSAGES.c.phone_number_id == key[1],
        _MESSAGES.c.group_id.is_(None),
    ]


def counts_as_unread(direction: str, source: str, message_type: str) -> bool:
    """Whether a message is news for the team: one that a customer wrote now, and no reaction or notice of WhatsApp."""
    return direction == "inbound" and source == "live" and message_type not in _NO_NEWS


def count_unread(session: Session, key: tuple[str, str], after: tuple[datetime, str]) -> int:
    """Count the messages of a conversation that count as unread and come after a place in the thread."""
    timestamp, message_id = after
    query = (
        select(func.count())
        .select_from(_MESSAGES)
        .where(
            *of_messages(key),
            _MESSAGES.c.direction == "inbound",
            _MESSAGES.c.source == "live",
            _MESSAGES.c.message_type.notin_(_NO_NEWS),
            or_(
                _MESSAGES.c.timestamp > timestamp,
                and_(_MESSAGES.c.timestamp == timestamp, _MESSAGES.c.id > message_id),
            ),
        )
    )
    return session.scalar(query) or 0


def written_by_others(
    session: Session, key: tuple[str, str], after: tuple[datetime, str], actor: str | None
) -> Sequence[Any]:
    """Return `id` and `sent_by` of our messages after a place of the thread that `actor` did not send, at most ten.

    Reactions, messages of batches and cancelled ones are no answers.
    """
    timestamp, message_id = after
    query = select(_MESSAGES.c.id, _MESSAGES.c.sent_by).where(
        *of_messages(key),
        _MESSAGES.c.direction == "outbound",
        _MESSAGES.c.batch_id.is_(None),
        _MESSAGES.c.message_type != "reaction",
        _MESSAGES.c.status != "cancelled",
        or_(_MESSAGES.c.sent_by.is_(None), _MESSAGES.c.sent_by != actor),
        or_(
            _MESSAGES.c.timestamp > timestamp,
            and_(_MESSAGES.c.timestamp == timestamp, _MESSAGES.c.id > message_id),
        ),
    )
    return session.execute(query.order_by(_MESSAGES.c.timestamp, _MESSAGES.c.id).limit(10)).all()


def place_of(session: Session, key: tuple[str, str], message_id: str) -> tuple[datetime, str] | None:
    """Return the place in the thread of one of its messages, or None."""
    query = select(_MESSAGES.c.timestamp, _MESSAGES.c.id).where(*of_messages(key), _MESSAGES.c.id == message_id)
    found = session.execute(query).first()
    return None if found is None else (found.timestamp, found.id)

"""Labels, the conversations that have them, and quick replies."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import CursorResult, delete, insert, select, update
from sqlalchemy.orm import Session

from app.models import ConversationLabel, Label, QuickReply
from app.models.base import table
from app.store.conversations import Numbers

_LABELS, _LABELLED, _REPLIES = table(Label), table(ConversationLabel), table(QuickReply)
ALL_NUMBERS = ""
"""The `phone_number_id` of a quick reply for every number."""


def all_labels(session: Session) -> Sequence[Any]:
    """Return all labels by name."""
    return session.execute(select(_LABELS).order_by(_LABELS.c.name)).all()


def find_label(session: Session, label_id: str) -> Any | None:
    """Return a label, or None."""
    return session.execute(select(_LABELS).where(_LABELS.c.id == label_id)).first()


def is_taken(session: Session, name: str, but: str | None = None) -> bool:
    """Return whether a label other than `but` has this name."""
    query = select(_LABELS.c.id).where(_LABELS.c.name == name)
    return any(label_id != but for label_id in session.scalars(query))


def add_label(session: Session, row: dict[str, Any]) -> None:
    """Insert a label."""
    session.execute(insert(_LABELS), [row])


def change_label(session: Session, label_id: str, values: dict[str, Any]) -> None:
    """Change a label."""
    session.execute(update(_LABELS).where(_LABELS.c.id == label_id).values(**values))


def remove_label(session: Session, label_id: str) -> bool:
    """Delete a label, also from all conversations; return False if there is none."""
    return _count(session.execute(delete(_LABELS).where(_LABELS.c.id == label_id))) == 1


def ids_of(session: Session, conversation_id: str) -> set[str]:
    """Return the ids of a conversation's labels."""
    query = select(_LABELLED.c.label_id).where(_LABELLED.c.conversation_id == conversation_id)
    return set(session.scalars(query))


def existing(session: Session, label_ids: Collection[str]) -> set[str]:
    """Return those of these ids that labels have."""
    return set(session.scalars(select(_LABELS.c.id).where(_LABELS.c.id.in_(label_ids))))


def put(session: Session, conversation_id: str, label_ids: Collection[str]) -> None:
    """Put labels on a conversation that it does not have yet."""
    rows = [{"conversation_id": conversation_id, "label_id": label_id} for label_id in sorted(label_ids)]
    if rows:
        session.execute(insert(_LABELLED), rows)


def take(session: Session, conversation_id: str, label_ids: Collection[str]) -> None:
    """Take labels off a conversation."""
    of_it = (_LABELLED.c.conversation_id == conversation_id, _LABELLED.c.label_id.in_(label_ids))
    session.execute(delete(_LABELLED).where(*of_it))


def all_replies(session: Session, numbers: Numbers) -> Sequence[Any]:
    """Return the quick replies for these numbers and for every number, by shortcut."""
    query = select(_REPLIES).order_by(_REPLIES.c.shortcut, _REPLIES.c.phone_number_id)
    if numbers is not None:
        query = query.where(_REPLIES.c.phone_number_id.in_([ALL_NUMBERS, *numbers]))
    return session.execute(query).all()


def find_reply(session: Session, reply_id: str) -> Any | None:
    """Return a quick reply, or None."""
    return session.execute(select(_REPLIES).where(_REPLIES.c.id == reply_id)).first()


def is_shortcut_taken(session: Session, shortcut: str, number: str, but: str | None = None) -> bool:
    """Return whether a quick reply other than `but` has this shortcut for this number."""
    query = select(_REPLIES.c.id).where(_REPLIES.c.shortcut == shortcut, _REPLIES.c.phone_number_id == number)
    return any(reply_id != but for reply_id in session.scalars(query))


def add_reply(session: Session, row: dict[str, Any]) -> None:
    """Insert a quick reply."""
    session.execute(insert(_REPLIES), [row])


def change_reply(session: Session, reply_id: str, values: dict[str, Any]) -> None:
    """Change a quick reply."""
    session.execute(update(_REPLIES).where(_REPLIES.c.id == reply_id).values(**values))


def remove_reply(session: Session, reply_id: str) -> bool:
    """Delete a quick reply; return False if there is none."""
    return _count(session.execute(delete(_REPLIES).where(_REPLIES.c.id == reply_id))) == 1


def _count(result: Any) -> int:
    assert isinstance(result, CursorResult)
    return result.rowcount

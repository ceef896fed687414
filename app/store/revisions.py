"""Revisions: edits and revocations of messages. Some arrive before their message, and wait for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import bindparam, select, tuple_, update
from sqlalchemy.orm import Session

from app.models import Message, MessageRevision
from app.models.base import table
from app.store.dialect import built_once, with_lists

_TABLE, _MESSAGES = table(MessageRevision), table(Message)
_OF_WAMIDS = with_lists(
    lambda among: select(_TABLE)
    .where(among(_TABLE.c.original_wamid, "wamids"))
    .order_by(_TABLE.c.timestamp, _TABLE.c.id)
)
_ADD = built_once(lambda insert: insert(_TABLE).on_conflict_do_nothing())
_ATTACH = (
    update(_TABLE)
    .where(_TABLE.c.wamid == bindparam("of_wamid"), _TABLE.c.phone_number_id == bindparam("of_number"))
    .values(
        message_id=bindparam("new_message"), previous=bindparam("new_previous", type_=_TABLE.c.previous.type)
    )
)


def of_wamids(session: Session, wamids: Collection[str]) -> Sequence[Any]:
    """Return the revisions of messages with these wamids, as plain rows in the order of their times."""
    return session.execute(_OF_WAMIDS(session), {"wamids": list(wamids)}).all() if wamids else []


def add(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert revisions; one that exists already stays unchanged."""
    session.execute(_ADD(session), rows)


def attach(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Attach waiting revisions (`wamid`, `number`) to their message (`message_id`), with its earlier content
    (`previous`)."""
    session.execute(
        _ATTACH,
        [
            {
                "of_wamid": row["wamid"],
                "of_number": row["number"],
                "new_message": row["message_id"],
                "new_previous": row["previous"],
            }
            for row in rows
        ],
    )


def any_original_stored(session: Session, rows: Sequence[dict[str, Any]]) -> bool:
    """Return whether the message of one of these waiting revisions (`original_wamid`, `phone_number_id`) is stored."""
    keys = [(row["original_wamid"], row["phone_number_id"]) for row in rows]
    query = select(_MESSAGES.c.id).where(tuple_(_MESSAGES.c.wamid, _MESSAGES.c.phone_number_id).in_(keys)).limit(1)
    return bool(keys) and session.execute(query).first() is not None


def of_message(session: Session, message_id: str) -> Sequence[MessageRevision]:
    """Return the revisions of one message, in the order in which they were stored."""
    query = select(MessageRevision).where(MessageRevision.message_id == message_id)
    return session.scalars(query.order_by(MessageRevision.id)).all()

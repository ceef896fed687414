"""What changed in conversations since a place: by events, or touched without one; and who has which one open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, or_, select
from sqlalchemy.orm import Session

from app.models import Conversation, Event, Presence
from app.models.base import UtcDateTime, table
from app.store.dialect import built_once

_TABLE, _EVENTS, _PRESENCES = table(Conversation), table(Event), table(Presence)

MOST_TOUCHED = 1000
"""Touched conversations that one query reads."""

NEWEST_EVENT = select(func.max(_EVENTS.c.sequence))
"""The number of the newest event, to be polled with `Database.look`."""

_NEWEST_TOUCH = select(func.max(_TABLE.c.touched_at))
_BY_EVENTS = (
    select(_TABLE.c.id, _TABLE.c.phone_number_id)
    .distinct()
    .select_from(_EVENTS)
    .join(_TABLE, _TABLE.c.contact_id == _EVENTS.c.contact_id)
    .where(
        _EVENTS.c.sequence > bindparam("after"),
        _EVENTS.c.sequence <= bindparam("until"),
        or_(_EVENTS.c.phone_number_id.is_(None), _TABLE.c.phone_number_id == _EVENTS.c.phone_number_id),
    )
)
_TOUCHED = (
    select(_TABLE.c.id, _TABLE.c.phone_number_id, _TABLE.c.touched_at)
    .where(_TABLE.c.touched_at > bindparam("after", type_=UtcDateTime))
    .order_by(_TABLE.c.touched_at)
    .limit(MOST_TOUCHED)
)
_PRESENT = (
    select(_PRESENCES, _TABLE.c.phone_number_id)
    .join(_TABLE, _TABLE.c.id == _PRESENCES.c.conversation_id)
    .where(_PRESENCES.c.seen_at > bindparam("since", type_=UtcDateTime))
    .order_by(_PRESENCES.c.conversation_id, _PRESENCES.c.person_id)
)


def newest_event(session: Session) -> int:
    """Return the number of the newest event, 0 without any."""
    return session.scalar(NEWEST_EVENT) or 0


def newest_touch(session: Session) -> datetime | None:
    """Return when a conversation was touched last."""
    found: datetime | None = session.scalar(_NEWEST_TOUCH)
    return found


def by_events(session: Session, after: int, until: int) -> Sequence[Any]:
    """Return `id` and `phone_number_id` of the conversations that the events with these numbers are about."""
    return session.execute(_BY_EVENTS, {"after": after, "until": until}).all()


def touched(session: Session, after: datetime) -> Sequence[Any]:
    """Return `id`, `phone_number_id` and `touched_at` of conversations touched after a time, earliest first."""
    return session.execute(_TOUCHED, {"after": after}).all()


def _upsert(insert: Any) -> Any:
    statement = insert(_PRESENCES)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["conversation_id", "person_id"],
        set_={"name": new.name, "seen_at": new.seen_at, "typing_until": new.typing_until},
    )


_NOTE_PRESENCE = built_once(_upsert)


def note_presence(session: Session, row: dict[str, Any], purge_before: datetime) -> None:
    """Store that a person has a conversation open; delete what was stored before a time."""
    session.execute(delete(_PRESENCES).where(_PRESENCES.c.seen_at < purge_before))
    session.execute(_NOTE_PRESENCE(session), row)


def remove_presence(session: Session, conversation_id: str, person_id: str) -> None:
    """Delete that a person has a conversation open."""
    of_it = (_PRESENCES.c.conversation_id == conversation_id, _PRESENCES.c.person_id == person_id)
    session.execute(delete(_PRESENCES).where(*of_it))


def present(session: Session, since: datetime) -> Sequence[Any]:
    """Return the presences noted since a time, with the number of their conversation."""
    return session.execute(_PRESENT, {"since": since}).all()

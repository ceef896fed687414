"""Rows of devices that get notifications, and of what each was told. Job kind `push`: a notice to be sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, exists, func, or_, select, true, update
from sqlalchemy.orm import Session

from app.models import Conversation, Event, PushNotice, PushSubscription, StoredPerson, Upkeep
from app.models.base import UtcDateTime, table
from app.store.dialect import insert_or_update

KIND = "push"
_CURSOR = "push"
MOST_EVENTS = 5000
"""Events that one step of the cursor passes."""

MOST_NOTICES = 200
"""Notices that one transaction writes."""

_DEVICES, _NOTICES = table(PushSubscription), table(PushNotice)
_CONVERSATIONS, _EVENTS, _PEOPLE = table(Conversation), table(Event), table(StoredPerson)
_OTHERS = _DEVICES.alias()

ANY_DEVICE = select(exists().where(_DEVICES.c.id.is_not(None)))
"""Whether anybody allowed notifications; to be polled with `Database.look`."""

_FACTS = (
    _DEVICES.c.id.label("subscription_id"), _CONVERSATIONS.c.id.label("conversation_id"),
    _CONVERSATIONS.c.phone_number_id, _CONVERSATIONS.c.waiting_since, _PEOPLE.c.numbers, _NOTICES.c.told_at,
)  # fmt: skip
_TOLD = and_(_NOTICES.c.subscription_id == _DEVICES.c.id, _NOTICES.c.conversation_id == _CONVERSATIONS.c.id)
_WAS_QUIET = or_(_NOTICES.c.id.is_(None), _NOTICES.c.told_at <= bindparam("quiet_since", type_=UtcDateTime))
_HAS_ACCESS = and_(_PEOPLE.c.id == _DEVICES.c.person_id, _PEOPLE.c.disabled_at.is_(None))

_WAITING = (
    select(*_FACTS)
    .select_from(_CONVERSATIONS)
    .join(_DEVICES, true())
    .join(_PEOPLE, _HAS_ACCESS)
    .outerjoin(_NOTICES, _TOLD)
    .where(
        _CONVERSATIONS.c.waiting_since.is_not(None),
        _CONVERSATIONS.c.closed_at.is_(None),
        _CONVERSATIONS.c.waiting_since >= _DEVICES.c.created_at,
        or_(
            _CONVERSATIONS.c.assignee.is_(None),
            _CONVERSATIONS.c.assignee == _DEVICES.c.person_id,
            ~exists().where(_OTHERS.c.person_id == _CONVERSATIONS.c.assignee),
        ),
        _WAS_QUIET,
        or_(_NOTICES.c.waiting_since.is_(None), _NOTICES.c.waiting_since != _CONVERSATIONS.c.waiting_since),
    )
    .limit(MOST_NOTICES)
)
_WRITTEN = (
    select(*_FACTS)
    .distinct()
    .select_from(_EVENTS)
    .join(
        _CONVERSATIONS,
        and_(
            _CONVERSATIONS.c.contact_id == _EVENTS.c.contact_id,
            _CONVERSATIONS.c.phone_number_id == _EVENTS.c.phone_number_id,
        ),
    )
    .join(_DEVICES, _DEVICES.c.person_id == _CONVERSATIONS.c.assignee)
    .join(_PEOPLE, _HAS_ACCESS)
    .outerjoin(_NOTICES, _TOLD)
    .where(
        _EVENTS.c.sequence > bindparam("after"),
        _EVENTS.c.sequence <= bindparam("until"),
        _EVENTS.c.type == "message.received",
        _EVENTS.c.created_at >= _DEVICES.c.created_at,
        _CONVERSATIONS.c.unread > 0,
    )
)


def save(session: Session, row: dict[str, Any]) -> None:
    """Insert a device; one with the same endpoint gets the new row's values, also if it was another person's."""
    given = {name: value for name, value in row.items() if name not in ("id", "endpoint")}
    statement = insert_or_update(session, PushSubscription).values(row)
    session.execute(statement.on_conflict_do_update(index_elements=["endpoint"], set_=given))


def keep_newest(session: Session, person_id: str, count: int) -> None:
    """Delete a person's devices but the `count` newest."""
    newest = select(_DEVICES.c.id).where(_DEVICES.c.person_id == person_id).order_by(_DEVICES.c.created_at.desc())
    gone = session.scalars(newest.offset(count)).all()
    session.execute(delete(_DEVICES).where(_DEVICES.c.id.in_(gone)))


def endpoints(session: Session, person_id: str) -> Sequence[str]:
    """Return the endpoints of a person's devices."""
    return session.scalars(select(_DEVICES.c.endpoint).where(_DEVICES.c.person_id == person_id)).all()


def remove(session: Session, person_id: str, endpoint: str) -> None:
    """Delete a device of a person. Nothing happens if there is none."""
    session.execute(delete(_DEVICES).where(_DEVICES.c.person_id == person_id, _DEVICES.c.endpoint == endpoint))


def remove_gone(session: Session, subscription_id: str, endpoint: str) -> None:
    """Delete a device whose push service does not know it any more."""
    session.execute(delete(_DEVICES).where(_DEVICES.c.id == subscription_id, _DEVICES.c.endpoint == endpoint))


def remove_of_session(session: Session, hashed: str) -> None:
    """Delete the devices that were allowed in the session with this hash."""
    session.execute(delete(_DEVICES).where(_DEVICES.c.session_hash == hashed))


def remove_of_person(session: Session, person_id: str) -> None:
    """Delete all devices of a person."""
    session.execute(delete(_DEVICES).where(_DEVICES.c.person_id == person_id))


def set_error(session: Session, subscription_id: str, error: str | None) -> None:
    """Record why the last notification failed, or that it did not."""
    session.execute(update(_DEVICES).where(_DEVICES.c.id == subscription_id).values(last_error=error))


def begin_cursor(session: Session) -> None:
    """Let the cursor begin at the newest event if nobody has a device; called before the first one is inserted."""
    if session.scalar(ANY_DEVICE):
        return
    newest = str(session.scalar(select(func.max(_EVENTS.c.sequence))) or 0)
    statement = insert_or_update(session, Upkeep).values(name=_CURSOR, place=newest)
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"place": newest}))


def cursor(session: Session, *, locks: bool = False) -> tuple[int, int]:
    """Return the events (after, until) that are to be looked at next. With `locks`, other workers wait for the end of
    the transaction."""
    query = select(Upkeep.place).where(Upkeep.name == _CURSOR)
    after = int(session.scalar(query.with_for_update() if locks else query) or 0)
    newest = session.scalar(select(func.max(_EVENTS.c.sequence))) or 0
    return after, min(newest, after + MOST_EVENTS)


def move_cursor(session: Session, until: int) -> None:
    """Record that the events up to `until` were looked at."""
    session.execute(update(table(Upkeep)).where(table(Upkeep).c.name == _CURSOR).values(place=str(until)))


def untold(session: Session, after: int, until: int, quiet_since: datetime) -> list[Any]:
    """Return what devices are to be told, once per device and conversation.

    That are conversations in which a customer waits, for everybody (if assigned: for the assignee, unless they have no
    device), but for those of which the device was told since `quiet_since`; and those with messages among the events,
    for the assignee. Each row has `subscription_id`, `conversation_id`, `phone_number_id`, `waiting_since`, `told_at`
    and `numbers`, those that the device's person may see.
    """
    waiting = session.execute(_WAITING, {"quiet_since": quiet_since}).all()
    written = session.execute(_WRITTEN, {"after": after, "until": until}).all() if after < until else []
    return list({(row.subscription_id, row.conversation_id): row for row in (*waiting, *written)}.values())


def note(session: Session, row: dict[str, Any]) -> str:
    """Insert or renew what a device was told of a conversation; return the notice's id."""
    given = {name: row[name] for name in ("waiting_since", "told_at")}
    statement = insert_or_update(session, PushNotice).values(row).on_conflict_do_update(
        index_elements=["subscription_id", "conversation_id"], set_=given
    )  # fmt: skip
    return str(session.scalar(statement.returning(_NOTICES.c.id)))


def purge(session: Session, before: datetime) -> None:
    """Delete notices older than a time."""
    session.execute(delete(_NOTICES).where(_NOTICES.c.told_at < before))


def find(session: Session, notice_id: str) -> Any | None:
    """Return a notice with its device and person, if it is still to be sent: a customer waits, or wrote to the person
    what nobody has read. Else None."""
    return session.execute(
        select(
            _DEVICES.c.id, _DEVICES.c.endpoint, _DEVICES.c["keys"].label("device_keys"),
            _CONVERSATIONS.c.id.label("conversation_id"), _CONVERSATIONS.c.phone_number_id,
            _CONVERSATIONS.c.waiting_since, _PEOPLE.c.numbers,
            func.coalesce(_PEOPLE.c.language, _DEVICES.c.language).label("language"),
        )
        .select_from(_NOTICES)
        .join(_DEVICES, _DEVICES.c.id == _NOTICES.c.subscription_id)
        .join(_CONVERSATIONS, _CONVERSATIONS.c.id == _NOTICES.c.conversation_id)
        .join(_PEOPLE, _HAS_ACCESS)
        .where(
            _NOTICES.c.id == notice_id,
            or_(
                _CONVERSATIONS.c.waiting_since.is_not(None),
                and_(_CONVERSATIONS.c.unread > 0, _CONVERSATIONS.c.assignee == _DEVICES.c.person_id),
            ),
        )
    ).first()  # fmt: skip

"""Rows of conversations: kept right in the transactions that write messages, merged with contacts, locked for acts.

On PostgreSQL whoever locks several conversations does so in the order of contact ids and holds the lock of
`events.take_turn`; all others lock one, as the last row of their transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, delete, func, insert, null, or_, select, update
from sqlalchemy.orm import Session

from app.ids import new_id
from app.models import Conversation, ConversationLabel, ConversationNote, Message
from app.models.base import UtcDateTime, table
from app.store.conversation_messages import of_messages
from app.store.dialect import built_once
from app.store.many_rows import InsertMany

Numbers = tuple[str, ...] | None
_TABLE, _MESSAGES = table(Conversation), table(Message)
_KEY = ["contact_id", "phone_number_id"]
UNSYNCHRONISED = {"synchronize_session": False}


class Activity(NamedTuple):
    """What one message changes about its conversation.

    `counts`: it is unread and opens a closed conversation. `waits`: its sender waits for a person's answer from then
    on. `answers`: a person wrote it, and nobody waits any more.
    """

    message_id: str
    contact_id: str
    phone_number_id: str
    at: datetime
    counts: bool = False
    waits: bool = False
    answers: bool = False


def _upsert(*, touches: bool) -> Callable[[Any], Any]:
    """Return what completes an INSERT: it creates a conversation, or moves its last message forward and adds to
    `unread`."""

    def or_else(statement: Any) -> Any:
        new, old = statement.excluded, _TABLE.c
        is_newer = or_(old.last_message_id.is_(None), new.last_message_at >= old.last_message_at)
        values: dict[str, Any] = {
            "last_message_id": case((is_newer, new.last_message_id), else_=old.last_message_id),
            "last_message_at": case((is_newer, new.last_message_at), else_=old.last_message_at),
        }
        if touches:
            values["touched_at"] = new.touched_at
        else:
            values |= {
                "unread": old.unread + new.unread,
                "closed_at": case((new.unread > 0, null()), else_=old.closed_at),
                "waiting_since": func.coalesce(old.waiting_since, new.waiting_since),
            }
        return statement.on_conflict_do_update(index_elements=_KEY, set_=values)

    return or_else


_NEW = (
    "id", "contact_id", "phone_number_id", "last_message_id", "last_message_at", "unread", "waiting_since",
    "created_at",
)  # fmt: skip
_record = InsertMany(Conversation, *_NEW, or_else=_upsert(touches=False))
_RECORD_SEND = built_once(lambda insert: _upsert(touches=True)(insert(_TABLE)))
_CLEAR_ANSWERED = (
    update(_TABLE)
    .where(_TABLE.c.contact_id == bindparam("of_contact"), _TABLE.c.phone_number_id == bindparam("of_number"))
    .values(
        waiting_since=None,
        # Whoever answered from a phone has read what came before.
        unread=case(
            (_TABLE.c.last_message_at <= bindparam("answered_at", type_=UtcDateTime), 0), else_=_TABLE.c.unread
        ),
    )
)


def record(session: Session, activities: Sequence[Activity]) -> None:
    """Record messages that were received or echoed, in one statement for all conversations."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    answered: dict[tuple[str, str], datetime] = {}
    for each in activities:
        key = (each.contact_id, each.phone_number_id)
        row = found.get(key)
        if row is None:
            found[key] = row = _row(each)
        elif each.at >= row["last_message_at"]:
            row["last_message_id"], row["last_message_at"] = each.message_id, each.at
        row["unread"] += each.counts
        if each.waits:
            row["waiting_since"] = min(each.at, row["waiting_since"] or each.at)
        if each.answers:
            row["unread"], row["waiting_since"] = 0, None
            answered[key] = max(each.at, answered.get(key, each.at))
    if answered:  # before what came after the answer is added
        given = [{"of_contact": key[0], "of_number": key[1], "answered_at": answered[key]} for key in sorted(answered)]
        session.execute(_CLEAR_ANSWERED, given)
    _record.of_mappings(session.connection(), (found[key] for key in sorted(found)))


def record_send(session: Session, activity: Activity, now: datetime) -> None:
    """Record a message that was requested; with `answers`, nobody waits for a person any more."""
    session.execute(_RECORD_SEND(session), _row(activity) | {"touched_at": now})
    if activity.answers:
        change(session, (activity.contact_id, activity.phone_number_id), waiting_since=None)


def _row(activity: Activity) -> dict[str, Any]:
    return {
        "id": new_id(),
        "contact_id": activity.contact_id,
        "phone_number_id": activity.phone_number_id,
        "last_message_id": activity.message_id,
        "last_message_at": activity.at,
        "unread": 0,
        "waiting_since": None,
        "created_at": activity.at,
    }


def change(session: Session, key: tuple[str, str] | str, **values: Any) -> None:
    """Set columns of a conversation, given by its id or by contact and number."""
    session.execute(update(_TABLE).where(*_is(key)).values(**values))


def _is(key: tuple[str, str] | str) -> list[Any]:
    if isinstance(key, str):
        return [_TABLE.c.id == key]
    return [_TABLE.c.contact_id == key[0], _TABLE.c.phone_number_id == key[1]]


def set_waiting(session: Session, contact_id: str, numbers: Sequence[str], since: datetime | None) -> None:
    """Let a contact wait for a person's answer on these numbers, unless it waits already; with None, no more."""
    statement = update(_TABLE).where(_TABLE.c.contact_id == contact_id, _TABLE.c.phone_number_id.in_(numbers))
    if since is not None:
        statement = statement.where(_TABLE.c.waiting_since.is_(None))
    session.execute(statement.values(waiting_since=since))


def find(session: Session, conversation_id: str, numbers: Numbers) -> Any | None:
    """Return a conversation as a plain row, or None; by the id of a merged one, that which holds everything."""
    row = session.execute(select(_TABLE).where(_TABLE.c.id == conversation_id)).first()
    while row is not None and row.merged_into is not None:
        row = session.execute(select(_TABLE).where(_TABLE.c.id == row.merged_into)).first()
    if row is None or row.contact_id is None or (numbers is not None and row.phone_number_id not in numbers):
        return None
    return row


def id_of(session: Session, contact_id: str, phone_number_id: str) -> str | None:
    """Return the id of the conversation of a contact and a number, or None."""
    return session.scalar(select(_TABLE.c.id).where(*_is((contact_id, phone_number_id))))


def lock(session: Session, conversation_id: str) -> Any:
    """Lock a conversation's row until the transaction ends; return it as it is then, or None."""
    return session.execute(select(_TABLE).where(_TABLE.c.id == conversation_id).with_for_update()).first()


def replace_last(session: Session, contact_id: str | None, phone_number_id: str, gone: str, by: str | None) -> None:
    """Let the conversation whose last message `gone` was deleted name another: `by`, or the newest that is left."""
    if contact_id is None:
        return
    key = (contact_id, phone_number_id)
    values: dict[str, Any] = {"last_message_id": by}
    if by is None:
        newest = (
            select(_MESSAGES.c.id, _MESSAGES.c.timestamp)
            .where(*of_messages(key), _MESSAGES.c.batch_id.is_(None), _MESSAGES.c.id != gone)
            .order_by(_MESSAGES.c.timestamp.desc(), _MESSAGES.c.id.desc())
        )
        found = session.execute(newest.limit(1)).first()
        if found is not None:
            values = {"last_message_id": found.id, "last_message_at": found.timestamp}
    session.execute(update(_TABLE).where(*_is(key), _TABLE.c.last_message_id == gone).values(**values))


def touch(session: Session, message_id: str, now: datetime) -> None:
    """Record that a message's status changed without an event. Locks the conversation's row."""
    of_message = select(_MESSAGES.c.id).where(
        _MESSAGES.c.id == message_id,
        _MESSAGES.c.contact_id == _TABLE.c.contact_id,
        _MESSAGES.c.phone_number_id == _TABLE.c.phone_number_id,
    )
    contact = select(_MESSAGES.c.contact_id).where(_MESSAGES.c.id == message_id).scalar_subquery()
    statement = update(_TABLE).where(_TABLE.c.contact_id == contact, of_message.exists())
    session.execute(statement.values(touched_at=now))


def merge_into(session: Session, gone_id: str, into_id: str) -> None:
    """Let the contact `into_id` take over the conversations of `gone_id`, joined with its own number by number."""
    rows = session.execute(
        select(_TABLE).where(_TABLE.c.contact_id.in_([gone_id, into_id])).order_by(_TABLE.c.id).with_for_update()
    ).all()
    kept = {row.phone_number_id: row for row in rows if row.contact_id == into_id}
    for row in rows:
        if row.contact_id != gone_id:
            continue
        if row.phone_number_id in kept:
            _join(session, row, kept[row.phone_number_id])
        else:
            change(session, row.id, contact_id=into_id)


def _join(session: Session, gone: Any, kept: Any) -> None:
    change(session, gone.id, contact_id=None, merged_into=kept.id, unread=0, waiting_since=None, last_message_id=None)
    is_newer = gone.last_message_at > kept.last_message_at
    last = gone if is_newer else kept
    waiting = [each for each in (gone.waiting_since, kept.waiting_since) if each is not None]
    change(
        session,
        kept.id,
        last_message_id=last.last_message_id,
        last_message_at=last.last_message_at,
        unread=gone.unread + kept.unread,
        closed_at=kept.closed_at if gone.closed_at else None,
        assignee=kept.assignee or gone.assignee,
        waiting_since=min(waiting, default=None),
    )
    notes, labels = table(ConversationNote), table(ConversationLabel)
    session.execute(update(notes).where(notes.c.conversation_id == gone.id).values(conversation_id=kept.id))
    missing = select(labels.c.label_id).where(
        labels.c.conversation_id == gone.id,
        labels.c.label_id.notin_(select(labels.c.label_id).where(labels.c.conversation_id == kept.id)),
    )
    new = [{"conversation_id": kept.id, "label_id": label_id} for label_id in session.scalars(missing)]
    if new:
        session.execute(insert(labels), new)
    session.execute(delete(labels).where(labels.c.conversation_id == gone.id))


def remove(session: Session, ids: Collection[str]) -> None:
    """Delete conversations with their notes and labels."""
    session.execute(delete(_TABLE).where(_TABLE.c.id.in_(ids)))


def add_note(session: Session, row: dict[str, Any]) -> None:
    """Insert a note of a conversation."""
    session.execute(insert(table(ConversationNote)), [row])

"""Messages, by our ids and by wamids: insert, look up, advance and revise them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, delete, insert, literal_column, select, update
from sqlalchemy.orm import Session

from app.domain.messages import ContactRef
from app.domain.messages import Message as DomainMessage
from app.domain.statuses import movable_to
from app.models import Contact, Message, SendAttempt
from app.models.base import table
from app.store import conversations, echoes, pricing
from app.store.dialect import with_lists
from app.store.many_rows import InsertMany, UpdateMany

_TABLE, _ATTEMPTS = table(Message), table(SendAttempt)
_NEW = (
    "id", "direction", "phone_number_id", "wamid", "contact_id", "sender", "recipient", "message_type", "message",
    "content", "context", "referral", "group_id", "timestamp", "status", "error", "pricing", "callback_data", "source",
    "flags", "options", "notification_id", "received_at", "updated_at",
)  # fmt: skip
_add_new = InsertMany(Message, *_NEW, or_else=lambda insert: insert.on_conflict_do_nothing())
_ARE_THERE = with_lists(lambda among: select(_TABLE.c.id).where(among(_TABLE.c.id, "ids")))


def add_new(session: Session, rows: Sequence[dict[str, Any]]) -> set[str]:
    """Insert messages of webhooks whose wamid is new for their number; return the ids of those.

    Rows with the same ids may exist already, if their webhook was processed before, wholly or in part.
    """
    ids = {row["id"] for row in rows}
    before = set(session.scalars(_ARE_THERE(session), {"ids": list(ids)}))
    if _add_new.of_mappings(session.connection(), rows) == len(rows):
        return ids
    return set(session.scalars(_ARE_THERE(session), {"ids": list(ids)})) - before


_INSERT = insert(_TABLE)


def add(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert messages."""
    session.execute(_INSERT, rows)


def remove(session: Session, message_id: str) -> None:
    """Delete a message and its send attempts, as if it had never been requested."""
    gone = delete(_TABLE).where(_TABLE.c.id == message_id)
    for row in session.execute(gone.returning(_TABLE.c.contact_id, _TABLE.c.phone_number_id)).all():
        conversations.replace_last(session, row.contact_id, row.phone_number_id, message_id, None)


_INBOUND = (
    select(_TABLE.c.recipient)
    .where(_TABLE.c.phone_number_id == bindparam("number"), _TABLE.c.direction == "inbound")
    .order_by(_TABLE.c.timestamp.desc(), _TABLE.c.id.desc())
    .limit(1)
)
_INBOUND_OF_CONTACT = _INBOUND.where(_TABLE.c.contact_id == bindparam("contact"))


def our_address(session: Session, phone_number_id: str, contact_id: str | None = None) -> str | None:
    """Return our number as Meta writes it, from the newest inbound message (of a contact, if one is given), or None."""
    if contact_id is None:
        return session.scalar(_INBOUND, {"number": phone_number_id})
    return session.scalar(_INBOUND_OF_CONTACT, {"number": phone_number_id, "contact": contact_id})


def find(session: Session, message_id: str, numbers: tuple[str, ...] | None = None) -> Message | None:
    """Return a message by our id or by any wamid of its attempts, or None; with `numbers`, only one of these numbers.

    A message from one number of ours to another has one wamid and is stored twice.
    """
    own = session.get(Message, message_id)
    if own is None and (merged := echoes.merged_into(session, message_id)) is not None:
        own = session.get(Message, merged)
    if own is not None:
        return own if numbers is None or own.phone_number_id in numbers else None
    for _, row in rows_by_wamids(session, [message_id]):
        if numbers is None or row.phone_number_id in numbers:
            return session.get(Message, row.id)
    return None


_BY_WAMIDS = with_lists(
    lambda among: select(_TABLE).where(among(_TABLE.c.wamid, "wamids")).order_by(_TABLE.c.id)
)
_BY_EARLIER_WAMIDS = with_lists(
    lambda among: select(_ATTEMPTS.c.wamid.label("earlier"), _TABLE)
    .join(_TABLE, _TABLE.c.id == _ATTEMPTS.c.message_id)
    .where(among(_ATTEMPTS.c.wamid, "wamids"))
)


def rows_by_wamids(session: Session, wamids: Collection[str]) -> list[tuple[str, Any]]:
    """Return pairs of wamid and message (a plain row); a wamid may be that of an earlier attempt at the message."""
    if not wamids:
        return []
    found = [(row.wamid, row) for row in session.execute(_BY_WAMIDS(session), {"wamids": list(wamids)})]
    missing = set(wamids) - {wamid for wamid, _ in found}
    if missing:
        rows = session.execute(_BY_EARLIER_WAMIDS(session), {"wamids": list(missing)})
        found += [(row.earlier, row) for row in rows]
    return found


_CONTACTS = table(Contact)
_OF_CONTACT = _TABLE.alias()
_NEWEST = (
    select(_OF_CONTACT.c.id)
    .where(
        _OF_CONTACT.c.contact_id == _CONTACTS.c.id,
        _OF_CONTACT.c.phone_number_id == bindparam("number"),
        _OF_CONTACT.c.direction == literal_column("'outbound'"),
    )
    .order_by(_OF_CONTACT.c.timestamp.desc())
    .limit(literal_column("1"))
    .correlate(_CONTACTS)
    .scalar_subquery()
)
_LAST_OUTBOUND = with_lists(
    lambda among: select(_TABLE)
    .select_from(_CONTACTS)
    .join(_TABLE, _TABLE.c.id == _NEWEST)
    .where(among(_CONTACTS.c.id, "ids"))
)


def last_outbound(session: Session, ids: Collection[str], numbers: Collection[str]) -> list[Any]:
    """Return the newest message that each of these numbers sent to each of these contacts, as plain rows."""
    statement, wanted = _LAST_OUTBOUND(session), list(ids)
    return [
        row
        for number in (numbers if wanted else ())
        for row in session.execute(statement, {"number": number, "ids": wanted})
    ]


def find_many(session: Session, ids: Collection[str]) -> dict[str, Message]:
    """Return messages by our ids."""
    return {row.id: row for row in session.scalars(select(Message).where(Message.id.in_(ids)))} if ids else {}


_ROWS_OF = with_lists(lambda among: select(_TABLE).where(among(_TABLE.c.id, "ids")))


def rows_of(session: Session, ids: Collection[str]) -> dict[str, Any]:
    """Return messages by our ids as plain rows: cheaper than `find_many` where nothing is changed."""
    return {row.id: row for row in session.execute(_ROWS_OF(session), {"ids": list(ids)})} if ids else {}


def advance_status(session: Session, changes: Sequence[dict[str, Any]]) -> None:
    """Advance messages to the `status` that Meta reported, unless they are past it, and set its `error` if it has one.

    `changes` have `id`, `status`, `error` and `updated_at`.
    """
    by_status: dict[str, list[tuple[Any, ...]]] = {}
    for change in changes:
        row = (change["id"], change.get("error") or None, change["updated_at"])
        by_status.setdefault(change["status"], []).append(row)
    for status, rows in sorted(by_status.items()):
        if movable_to(status):  # a status that is new to us moves nothing
            _advance_status(status)(session.connection(), rows)


@cache
def _advance_status(status: str) -> UpdateMany:
    before = ", ".join(f"'{each}'" for each in movable_to(status))
    # The error of a held message is the reason for holding it, which no longer applies.
    error = "coalesce({new_error}, CASE WHEN messages.status <> 'held' THEN messages.error END)"
    return UpdateMany(
        Message,
        {"of_message": "id", "new_error": "error", "now": "updated_at"},
        f"status = '{status}', updated_at = {{now}}, held_for = NULL, error = {error}",
        f"id = {{of_message}} AND messages.status IN ({before})",
    )


_set_pricing = UpdateMany(
    Message, {"of_message": "id", "new_pricing": "pricing"}, "pricing = {new_pricing}", "id = {of_message}"
)
_REVISE = (
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("message_id"))
    .values({
        name: bindparam(f"new_{name}", type_=_TABLE.c[name].type)
        for name in ("message_type", "message", "content", "flags", "updated_at")
    })
)  # fmt: skip


def set_pricing(session: Session, changes: Sequence[dict[str, Any]]) -> None:
    """Store `pricing` by message `id`. Meta sends it with the first billable status report of a message."""
    pricing.count_new(session, changes)
    _set_pricing(session.connection(), [(change["id"], change["pricing"]) for change in changes])


def revise(session: Session, changes: Sequence[dict[str, Any]]) -> None:
    """Set the content and flags of messages (`message_type`, `message`, `content`, `flags`, `updated_at`) by `id`."""
    session.execute(
        _REVISE,
        [
            {("message_id" if name == "id" else f"new_{name}"): value for name, value in change.items()}
            for change in changes
        ],
    )


def to_domain(row: Any, contact: Any) -> DomainMessage:
    """Return the domain message of a `Message` or a plain row; `contact` likewise, or None."""
    reference = None
    if contact is not None:
        reference = ContactRef(
            contact.id,
            contact.wa_id,
            contact.user_id,
            contact.parent_user_id,
            contact.username,
            contact.name,
            contact.given_name,
        )
    return DomainMessage(
        sender=row.sender,
        message=row.message,
        timestamp=row.timestamp,
        message_id=row.wamid,
        message_type=row.message_type,
        id=row.id,
        direction=row.direction,
        phone_number_id=row.phone_number_id,
        recipient=row.recipient,
        contact=reference,
        content=row.content,
        status=row.status,
        source=row.source,
        received_at=row.received_at,
        context=row.context,
        referral=row.referral,
        group_id=row.group_id,
        error=row.error,
        pricing=row.pricing,
        callback_data=row.callback_data,
        flags=row.flags,
    )


def failed_since(session: Session, since: datetime, limit: int) -> Sequence[Message]:
    """Return sends with files that failed, of messages since a time, newest first."""
    query = select(Message).where(Message.status == "failed", Message.direction == "outbound")
    query = query.where(Message.timestamp >= since, Message.source == "live", Message.message_type.in_(_WITH_FILES))
    return session.scalars(query.order_by(Message.timestamp.desc()).limit(limit)).all()


_WITH_FILES = ("image", "video", "audio", "document", "sticker", "template", "interactive")

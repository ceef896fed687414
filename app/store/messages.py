"""Messages, the tries at sending them, and the statuses Meta reported."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, union_all, update
from sqlalchemy.orm import Session

from app.domain.messages import ContactRef
from app.domain.messages import Message as DomainMessage
from app.domain.statuses import movable_to
from app.models import Contact, Message, SendAttempt, StatusReport
from app.models.base import table
from app.store import pricing
from app.store.dialect import insert_new, one_of, with_lists

StatusKey = tuple[str, str, str, str]
"""wamid, status, participant, and our number, which an app may not speak of for another's."""


def add_new(session: Session, rows: Sequence[dict[str, Any]]) -> set[str]:
    """Insert messages whose wamid is new for their number; return the ids of those."""
    return set(session.scalars(insert_new(session, Message).returning(Message.id), rows))


_TABLE = table(Message)
_INSERT = insert(_TABLE)


def add(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert messages."""
    session.execute(_INSERT, rows)


def remove(session: Session, message_id: str) -> None:
    """Delete a message and its tries, as if it had never been asked for."""
    session.execute(delete(Message).where(Message.id == message_id).execution_options(synchronize_session=False))


def add_new_reports(session: Session, rows: Sequence[dict[str, Any]]) -> set[StatusKey]:
    """Insert status reports not seen before; return the keys of those."""
    keys = (StatusReport.wamid, StatusReport.status, StatusReport.participant, StatusReport.phone_number_id)
    found = session.execute(insert_new(session, StatusReport).returning(*keys), rows)
    return {(wamid, status, participant, number) for wamid, status, participant, number in found}


_OUR_ADDRESS = (
    select(_TABLE.c.recipient)
    .where(
        _TABLE.c.contact_id == bindparam("contact"),
        _TABLE.c.phone_number_id == bindparam("number"),
        _TABLE.c.direction == "inbound",
    )
    .order_by(_TABLE.c.timestamp.desc(), _TABLE.c.id.desc())
    .limit(1)
)


def our_address(session: Session, contact_id: str, phone_number_id: str) -> str | None:
    """How Meta writes our number, as the contact's newest message to it says."""
    return session.scalar(_OUR_ADDRESS, {"contact": contact_id, "number": phone_number_id})


def find(session: Session, message_id: str, numbers: tuple[str, ...] | None = None) -> Message | None:
    """One message by our id or by any wamid of its attempts; with `numbers`, only a message of one of those.

    A message from one number of ours to another has one wamid and is there twice.
    """
    own = session.get(Message, message_id)
    found = [own] if own is not None else [row for _, row in find_by_wamids(session, [message_id])]
    return next((row for row in found if numbers is None or row.phone_number_id in numbers), None)


def find_by_wamids(session: Session, wamids: Collection[str]) -> list[tuple[str, Message]]:
    """Messages with their wamids: the message's own, or that of an earlier attempt at sending it."""
    if not wamids:
        return []
    query = select(Message).where(Message.wamid.in_(wamids)).order_by(Message.id)
    found = [(str(row.wamid), row) for row in session.scalars(query)]
    missing = set(wamids) - {wamid for wamid, _ in found}
    if missing:
        attempts = select(SendAttempt.wamid, Message).join(Message, Message.id == SendAttempt.message_id)
        rows = session.execute(attempts.where(SendAttempt.wamid.in_(missing)))
        found += [(str(wamid), row) for wamid, row in rows]
    return found


def last_outbound(session: Session, ids: Collection[str], numbers: Collection[str]) -> list[Message]:
    """The newest message that each of these numbers of ours sent to each of these contacts."""
    newest = [
        select(Message.id)
        .where(
            Message.contact_id == Contact.id,
            Message.phone_number_id == number,
            Message.direction == "outbound",
        )
        .order_by(Message.timestamp.desc())
        .limit(1)
        .correlate(Contact)
        .scalar_subquery()
        for number in sorted(numbers)
    ]
    queries = [
        select(Message.id).select_from(Contact).join(Message, Message.id == one).where(Contact.id.in_(ids))
        for one in newest
    ]
    if not ids or not queries:
        return []
    return list(session.scalars(select(Message).where(Message.id.in_(union_all(*queries)))))


def find_many(session: Session, ids: Collection[str]) -> dict[str, Message]:
    """Messages by our ids."""
    return {row.id: row for row in session.scalars(select(Message).where(Message.id.in_(ids)))} if ids else {}


_ROWS_OF = with_lists(lambda among: select(_TABLE).where(among(_TABLE.c.id, "ids")))


def rows_of(session: Session, ids: Collection[str]) -> dict[str, Any]:
    """The same as plain rows, for who reads many and changes none."""
    return {row.id: row for row in session.execute(_ROWS_OF(session), {"ids": list(ids)})}


def move(session: Session, changes: Sequence[dict[str, Any]]) -> None:
    """Move messages to the `status` Meta reported, where that is forward; set `error`, `pricing`, `wamid` beside it.

    `error`, `pricing` and `wamid` of None leave what is there.
    """
    by_status: dict[str, list[dict[str, Any]]] = {}
    for change in changes:
        by_status.setdefault(change["status"], []).append(
            {
                "message_id": change["id"],
                "new_error": change.get("error"),
                "new_wamid": change.get("wamid"),
                "now": change["updated_at"],
            }
        )
    target = table(Message)
    for status, parameters in sorted(by_status.items()):
        values: dict[str, Any] = {"status": status, "updated_at": bindparam("now", type_=target.c.updated_at.type)}
        for name in ("wamid", "error"):
            # Only where one is given does the statement need it, and most reports carry neither.
            if any(parameter[f"new_{name}"] for parameter in parameters):
                given = bindparam(f"new_{name}", type_=target.c[name].type)
                values[name] = func.coalesce(given, target.c[name])
        session.execute(
            update(target)
            .where(target.c.id == bindparam("message_id"), one_of(target.c.status, movable_to(status)))
            .values(values),
            parameters,
        )


def set_pricing(session: Session, changes: Sequence[dict[str, Any]]) -> None:
    """Note what Meta charges: `pricing` by `id`. Comes with one of a message's reports, whichever is first."""
    pricing.count_new(session, changes)
    target = table(Message)
    session.execute(
        update(target)
        .where(target.c.id == bindparam("message_id"))
        .values(pricing=bindparam("new_pricing", type_=target.c.pricing.type)),
        [{"message_id": change["id"], "new_pricing": change["pricing"]} for change in changes],
    )


def set_flags(session: Session, changes: Sequence[dict[str, Any]]) -> None:
    """Set messages' `flags` and `updated_at` by `id`."""
    session.execute(update(Message), changes)


def to_domain(row: Any, contact: Any) -> DomainMessage:
    """The message as the rest of the gateway speaks of it, from a `Message` or a plain row, and so its contact."""
    reference = None
    if contact is not None:
        reference = ContactRef(
            contact.id, contact.wa_id, contact.user_id, contact.parent_user_id, contact.username, contact.name
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

"""Attempts to send messages, and the status of outbound messages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, bindparam, case, delete, exists, func, insert, null, select, update
from sqlalchemy.orm import Session

from app.models import Message, SendAttempt
from app.models.base import UtcDateTime, table
from app.store.dialect import insert_new, one_of, with_lists

_ATTEMPTS, _MESSAGES, _OTHERS = table(SendAttempt), table(Message), table(Message).alias()
_START = insert(_ATTEMPTS)
_MOVE = with_lists(
    lambda among: update(_MESSAGES)
    .where(among(_MESSAGES.c.id, "ids"), _MESSAGES.c.status == "queued")
    .values(status="sending", updated_at=bindparam("now", type_=UtcDateTime))
    .returning(_MESSAGES)
)
_ACCEPT_ATTEMPT = (
    update(_ATTEMPTS)
    .where(
        _ATTEMPTS.c.message_id == bindparam("of_message"),
        _ATTEMPTS.c.number == bindparam("of_number"),
        one_of(_ATTEMPTS.c.state, ("sending", "unknown")),
    )
    .values(state="accepted", wamid=bindparam("of_wamid"), finished_at=bindparam("now", type_=UtcDateTime))
)
_MAY_ACCEPT = one_of(_MESSAGES.c.status, ("sending", "unknown", "held"))
_IS_NAMED_ALREADY = exists().where(
    _OTHERS.c.wamid == bindparam("of_wamid"),
    _OTHERS.c.phone_number_id == _MESSAGES.c.phone_number_id,
    _OTHERS.c.id != _MESSAGES.c.id,
)
_ACCEPT = (
    update(_MESSAGES)
    .where(_MESSAGES.c.id == bindparam("of_message"))
    .values(
        status=case((_MAY_ACCEPT, "accepted"), else_=_MESSAGES.c.status),
        updated_at=case((_MAY_ACCEPT, bindparam("now", type_=UtcDateTime)), else_=_MESSAGES.c.updated_at),
        held_for=case((_MAY_ACCEPT, null()), else_=_MESSAGES.c.held_for),
        error=case((_MESSAGES.c.status == "held", null()), else_=_MESSAGES.c.error),
        wamid=case((_IS_NAMED_ALREADY, _MESSAGES.c.wamid), else_=bindparam("of_wamid")),
    )
)


def start(session: Session, keys: Sequence[tuple[str, int]], now: datetime) -> None:
    """Insert attempts in state `sending`, each given as message id and attempt number.

    The transaction must be committed before the HTTP request of the attempt starts.
    """
    rows = [{"message_id": key, "number": number, "state": "sending", "started_at": now} for key, number in keys]
    session.execute(_START, rows)


def add_unknown(session: Session, keys: Sequence[tuple[str, int]], now: datetime) -> None:
    """Insert attempts that another copy of the database may have made, so that Meta's reports on them are matched."""
    rows = [
        {"message_id": key, "number": number, "state": "unknown", "started_at": now, "finished_at": now}
        for key, number in keys
    ]
    if rows:
        session.execute(insert_new(session, SendAttempt), rows)


def last_number(session: Session, message_id: str) -> int:
    """Return the number of the message's newest attempt; 0 if there is none."""
    query = select(func.max(SendAttempt.number)).where(SendAttempt.message_id == message_id)
    return session.scalar(query) or 0


def move_to_sending(session: Session, message_ids: Collection[str], now: datetime) -> dict[str, Any]:
    """Move messages that still are `queued` to `sending`; return their rows by id."""
    moved = session.execute(_MOVE(session), {"ids": list(message_ids), "now": now})
    return {row.id: row for row in moved}


def accept(session: Session, rows: Sequence[tuple[str, int, str]], now: datetime) -> None:
    """Record that Graph accepted attempts, each given as message id, attempt number and wamid.

    A status that was set since the attempt started stays. If an echo with the same wamid arrived before Graph's answer,
    only the attempt gets the wamid; the message gets it when `reports.attach_earlier_news` has merged the two.
    """
    given = [{"of_message": key, "of_number": number, "of_wamid": wamid, "now": now} for key, number, wamid in rows]
    session.execute(_ACCEPT_ATTEMPT, given)
    session.execute(_ACCEPT, given)


def finish(
    session: Session, message_id: str, number: int, *, state: str, now: datetime, **outcome: Any
) -> bool:
    """Record the outcome of an attempt that is `sending`; return False if its outcome was recorded already."""
    result = session.execute(
        update(SendAttempt)
        .where(SendAttempt.message_id == message_id, SendAttempt.number == number, SendAttempt.state == "sending")
        .values(state=state, finished_at=now, **outcome)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def delete_not_tried(session: Session, message_id: str, number: int) -> None:
    """Delete an attempt whose HTTP request was not started."""
    own = (SendAttempt.message_id == message_id, SendAttempt.number == number, SendAttempt.state == "sending")
    session.execute(delete(SendAttempt).where(*own).execution_options(synchronize_session=False))


def delete_started_at(session: Session, message_id: str, number: int, started_at: datetime) -> bool:
    """Delete an attempt that is `sending` and was started at exactly this time; return whether there was one."""
    own = (SendAttempt.message_id == message_id, SendAttempt.number == number, SendAttempt.state == "sending")
    statement = delete(SendAttempt).where(*own, SendAttempt.started_at == started_at)
    result = session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def find_orphans(session: Session, before: datetime, limit: int) -> Sequence[SendAttempt]:
    """Return up to `limit` attempts that started before a time and have no outcome, because their process died."""
    query = select(SendAttempt).where(SendAttempt.state == "sending", SendAttempt.started_at < before)
    return session.scalars(query.order_by(SendAttempt.started_at).limit(limit)).all()


def find_unknown(session: Session, before: datetime, limit: int) -> list[str]:
    """Return the ids of messages that have been `unknown` since before a time."""
    query = (
        select(Message.id)
        .join(SendAttempt, SendAttempt.message_id == Message.id)
        .where(SendAttempt.state == "unknown", Message.status == "unknown", Message.updated_at < before)
    )
    return list(session.scalars(query.distinct().limit(limit)))


def select_unlikely(session: Session, message_ids: Collection[str]) -> set[str]:
    """Return the ids of messages whose `unknown` attempts all have the mark `unlikely` (see `graph.answers.decode`)."""
    query = select(SendAttempt.message_id, SendAttempt.error).where(
        SendAttempt.message_id.in_(message_ids), SendAttempt.state == "unknown"
    )
    hardly: dict[str, bool] = {}
    for message_id, error in session.execute(query):
        hardly[message_id] = hardly.get(message_id, True) and bool((error or {}).get("unlikely"))
    return {message_id for message_id, is_so in hardly.items() if is_so}


def set_status_of(
    session: Session, message_ids: Collection[str], status: str, among: Sequence[str], now: datetime, **values: Any
) -> list[str]:
    """Set the status and `values` of messages whose status still is one of `among`; return the ids of those."""
    statement = (
        update(Message)
        .where(Message.id.in_(message_ids), Message.status.in_(among))
        .values(status=status, updated_at=now, **values)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )
    return list(session.scalars(statement))


def set_status(session: Session, message_id: str, status: str, among: Sequence[str], **values: Any) -> bool:
    """Set the status and `values` of a message if its status still is one of `among`; return whether it was."""
    result = session.execute(
        update(Message)
        .where(Message.id == message_id, Message.status.in_(among))
        .values(status=status, **values)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def resolve(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Record attempts without a recorded answer as accepted, since a report of Meta names them.

    Each row holds `message_id`, `number` (of the attempt), `wamid` and `now`.
    """
    target = table(SendAttempt)
    session.execute(
        update(target)
        .where(
            target.c.message_id == bindparam("of_message"),
            target.c.number == bindparam("of_number"),
            one_of(target.c.state, ("sending", "unknown")),
        )
        .values(
            state="accepted",
            wamid=bindparam("new_wamid"),
            finished_at=bindparam("now", type_=target.c.finished_at.type),
        ),
        [
            {
                "of_message": row["message_id"],
                "of_number": row["number"],
                "new_wamid": row["wamid"],
                "now": row["now"],
            }
            for row in rows
        ],
    )

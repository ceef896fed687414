"""The tries at sending a message."""

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
_BEGIN = insert(_ATTEMPTS)
_LEAVE = with_lists(
    lambda among: update(_MESSAGES)
    .where(among(_MESSAGES.c.id, "ids"), _MESSAGES.c.status == "queued")
    .values(status="sending", updated_at=bindparam("now", type_=UtcDateTime))
    .returning(_MESSAGES)
)
_ACCEPT_TRY = (
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


def begin(session: Session, tries: Sequence[tuple[str, int]], now: datetime) -> None:
    """Record that tries are about to leave: each a message and the number of its try.

    Committed before the first byte, or the try must not be made.
    """
    rows = [{"message_id": key, "number": number, "state": "sending", "started_at": now} for key, number in tries]
    session.execute(_BEGIN, rows)


def note_unknown(session: Session, tries: Sequence[tuple[str, int]], now: datetime) -> None:
    """Note tries that may have been made without our knowing, so that Meta's reports on them are understood."""
    rows = [
        {"message_id": key, "number": number, "state": "unknown", "started_at": now, "finished_at": now}
        for key, number in tries
    ]
    if rows:
        session.execute(insert_new(session, SendAttempt), rows)


def last_number(session: Session, message_id: str) -> int:
    """The number of the message's newest try; 0 before the first."""
    query = select(func.max(SendAttempt.number)).where(SendAttempt.message_id == message_id)
    return session.scalar(query) or 0


def leave(session: Session, message_ids: Collection[str], now: datetime) -> dict[str, Any]:
    """Move queued messages to `sending`; return the rows of those that still were queued, by id."""
    moved = session.execute(_LEAVE(session), {"ids": list(message_ids), "now": now})
    return {row.id: row for row in moved}


def accept(session: Session, rows: Sequence[tuple[str, int, str]], now: datetime) -> None:
    """Record that Graph took tries: message, number of the try, wamid. What was decided meanwhile stays.

    A message whose wamid its number has already, as that of an echo which overtook Graph's answer, is found by its try
    until `reports.attach_earlier_news` has made one of the two.
    """
    given = [{"of_message": key, "of_number": number, "of_wamid": wamid, "now": now} for key, number, wamid in rows]
    session.execute(_ACCEPT_TRY, given)
    session.execute(_ACCEPT, given)


def end(
    session: Session, message_id: str, number: int, *, state: str, now: datetime, **outcome: Any
) -> bool:
    """Record how a try ended; False if somebody else has meanwhile decided that."""
    result = session.execute(
        update(SendAttempt)
        .where(SendAttempt.message_id == message_id, SendAttempt.number == number, SendAttempt.state == "sending")
        .values(state=state, finished_at=now, **outcome)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def take_back(session: Session, message_id: str, number: int) -> None:
    """Forget a try that was not made."""
    mine = (SendAttempt.message_id == message_id, SendAttempt.number == number, SendAttempt.state == "sending")
    session.execute(delete(SendAttempt).where(*mine).execution_options(synchronize_session=False))


def take_back_begun(session: Session, message_id: str, number: int, began: datetime) -> bool:
    """Forget a try that was begun at exactly this time and never made; False if it was not begun, or not then."""
    mine = (SendAttempt.message_id == message_id, SendAttempt.number == number, SendAttempt.state == "sending")
    statement = delete(SendAttempt).where(*mine, SendAttempt.started_at == began)
    result = session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def find_abandoned(session: Session, before: datetime, limit: int) -> Sequence[SendAttempt]:
    """Tries that began before `before` and never ended: whoever made them is gone."""
    query = select(SendAttempt).where(SendAttempt.state == "sending", SendAttempt.started_at < before)
    return session.scalars(query.order_by(SendAttempt.started_at).limit(limit)).all()


def long_unknown(session: Session, before: datetime, limit: int) -> list[str]:
    """Messages that have been `unknown` since before `before`."""
    query = (
        select(Message.id)
        .join(SendAttempt, SendAttempt.message_id == Message.id)
        .where(SendAttempt.state == "unknown", Message.status == "unknown", Message.updated_at < before)
    )
    return list(session.scalars(query.distinct().limit(limit)))


def unlikely(session: Session, message_ids: Collection[str]) -> set[str]:
    """Those of these messages of which no try can have gone, as far as its answer says (see `graph.answers.decode`)."""
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
    """Move messages of ours that are still in one of the statuses `among`, and set `values`; return which."""
    statement = (
        update(Message)
        .where(Message.id.in_(message_ids), Message.status.in_(among))
        .values(status=status, updated_at=now, **values)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )
    return list(session.scalars(statement))


def set_status(session: Session, message_id: str, status: str, among: Sequence[str], **values: Any) -> bool:
    """Move a message of ours, if it is still in one of the statuses `among`."""
    result = session.execute(
        update(Message)
        .where(Message.id == message_id, Message.status.in_(among))
        .values(status=status, **values)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def resolve(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Meta's own report names a try whose answer nobody saw: note its wamid (rows of `message_id`, `number`,
    `wamid` and `now`)."""
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

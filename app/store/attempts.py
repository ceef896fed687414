"""The tries at sending a message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, bindparam, exists, insert, select, update
from sqlalchemy.orm import Session

from app.models import Message, SendAttempt
from app.models.base import table


def begin(session: Session, message_id: str, number: int, now: datetime) -> None:
    """Record that a try is about to leave. Committed before the first byte, or the try must not be made."""
    session.execute(
        insert(SendAttempt),
        [{"message_id": message_id, "number": number, "state": "sending", "started_at": now}],
    )


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


def find_abandoned(session: Session, before: datetime, limit: int) -> Sequence[SendAttempt]:
    """Tries that began before `before` and never ended: whoever made them is gone."""
    query = select(SendAttempt).where(SendAttempt.state == "sending", SendAttempt.started_at < before)
    return session.scalars(query.order_by(SendAttempt.started_at).limit(limit)).all()


def hold_unknown(session: Session, before: datetime, now: datetime) -> int:
    """Move messages that have been `unknown` since before `before` to `held`, for a person to decide; say how many."""
    result = session.execute(
        update(Message)
        .where(Message.status == "unknown", Message.updated_at < before)
        .values(status="held", updated_at=now)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount


def any_unknown(session: Session, before: datetime) -> bool:
    """Whether `hold_unknown` would find anything. Takes no lock."""
    unknown = exists().where(Message.status == "unknown", Message.updated_at < before)
    return bool(session.scalar(select(unknown)))


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
            target.c.state.in_(("sending", "unknown")),
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

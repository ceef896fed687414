"""Merge echoes of our own sends: Meta may report a message as an echo before Graph's response contains its wamid.

Then one message has two rows. Code that stores the wamid of a send attempt calls `absorb`, and so does code that stores
an echo: whichever comes second finds the other row, and only the send's own row stays.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from app.domain.statuses import advance
from app.models import Event, MergedMessage, Message, MessageRevision, SendAttempt, StatusReport
from app.models.base import UtcDateTime, table
from app.store import conversations
from app.store.dialect import one_of, with_lists

_ATTEMPTS, _OWN, _ECHOES = table(SendAttempt), table(Message), table(Message).alias()
_PAIRS = with_lists(
    lambda among: select(
        _OWN.c.id,
        _OWN.c.status,
        _OWN.c.contact_id,
        _OWN.c.phone_number_id,
        _ECHOES.c.id.label("echo_id"),
        _ECHOES.c.status.label("echo_status"),
        _ECHOES.c.error,
        _ECHOES.c.pricing,
        _ECHOES.c.wamid,
    )
    .select_from(_ATTEMPTS)
    .join(_OWN, _OWN.c.id == _ATTEMPTS.c.message_id)
    .join(
        _ECHOES,
        and_(
            _ECHOES.c.wamid == _ATTEMPTS.c.wamid,
            _ECHOES.c.phone_number_id == _OWN.c.phone_number_id,
            _ECHOES.c.direction == "outbound",
            _ECHOES.c.id != _OWN.c.id,
        ),
    )
    .where(among(_ATTEMPTS.c.wamid, "wamids"))
)
_SET_WAMID = (
    update(_OWN)
    .where(_OWN.c.id == bindparam("of_message"), _OWN.c.wamid.is_(None))
    .values(wamid=bindparam("new_wamid"))
)
_OPEN_ATTEMPTS = with_lists(
    lambda among: select(
        _ATTEMPTS.c.started_at, _OWN.c.contact_id, _OWN.c.phone_number_id, _OWN.c.message_type, _OWN.c.message
    )
    .join(_OWN, _OWN.c.id == _ATTEMPTS.c.message_id)
    .where(
        one_of(_ATTEMPTS.c.state, ("sending", "unknown")),
        _ATTEMPTS.c.started_at >= bindparam("since", type_=UtcDateTime),
        _ATTEMPTS.c.started_at <= bindparam("until", type_=UtcDateTime),
        among(_OWN.c.contact_id, "ids"),
    )
)


class OpenAttempt(NamedTuple):
    """A send attempt whose wamid is not known yet."""

    started_at: datetime
    contact_id: str
    phone_number_id: str
    message_type: str
    message: str


def open_attempts(
    session: Session, contact_ids: Collection[str], since: datetime, until: datetime
) -> list[OpenAttempt]:
    """Return the send attempts to these contacts that started between two times and have no result yet."""
    rows = session.execute(_OPEN_ATTEMPTS(session), {"ids": list(contact_ids), "since": since, "until": until})
    return [OpenAttempt(*row) for row in rows]


def absorb(session: Session, wamids: Collection[str], now: datetime) -> dict[str, str]:
    """Merge each echo with one of these wamids into the send with that wamid; return the send's id by the echo's.

    The send gets the echo's status reports, events, pricing and status. Looking up the echo's id finds it from then on.
    """
    if not wamids:
        return {}
    absorbed: dict[str, str] = {}
    for pair in session.execute(_PAIRS(session), {"wamids": list(wamids)}).all():
        if pair.echo_id not in absorbed:
            absorbed[pair.echo_id] = pair.id
            _absorb(session, pair, now)
    return absorbed


def _absorb(session: Session, pair: Any, now: datetime) -> None:
    unsynchronised = {"synchronize_session": False}
    for model in (StatusReport, Event, MessageRevision):
        moved = update(model).where(model.message_id == pair.echo_id).values(message_id=pair.id)
        session.execute(moved, execution_options=unsynchronised)
    former = update(MergedMessage).where(MergedMessage.message_id == pair.echo_id).values(message_id=pair.id)
    session.execute(former, execution_options=unsynchronised)
    session.execute(insert(MergedMessage), [{"id": pair.echo_id, "message_id": pair.id}])
    conversations.replace_last(session, pair.contact_id, pair.phone_number_id, pair.echo_id, pair.id)
    session.execute(delete(Message).where(Message.id == pair.echo_id), execution_options=unsynchronised)
    values: dict[str, Any] = {"updated_at": now}
    status = advance(pair.status, pair.echo_status)
    if status != pair.status:
        values |= {"status": status} | ({"error": pair.error} if pair.error else {})
    if pair.pricing is not None:
        values["pricing"] = pair.pricing
    session.execute(update(Message).where(Message.id == pair.id).values(**values), execution_options=unsynchronised)
    session.execute(_SET_WAMID, [{"of_message": pair.id, "new_wamid": pair.wamid}])


def set_wamids(session: Session, wamids: dict[str, str]) -> None:
    """Set the wamid of messages that have none yet, by our id. Their echoes must have been absorbed before."""
    session.execute(_SET_WAMID, [{"of_message": key, "new_wamid": wamid} for key, wamid in sorted(wamids.items())])


def merged_into(session: Session, message_id: str) -> str | None:
    """Return the id of the send that the echo with this id was merged into, or None."""
    return session.scalar(select(MergedMessage.message_id).where(MergedMessage.id == message_id))

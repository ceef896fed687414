"""Rows of Meta's status reports. A report that arrives before the wamid of its message is known waits for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, exists, func, select, union, update
from sqlalchemy.orm import Session

from app.domain.statuses import movable_to
from app.models import Message, SendAttempt, StatusReport
from app.models.base import table
from app.store import attempts, echoes, messages
from app.store.dialect import Among, with_lists
from app.store.many_rows import InsertMany

StatusKey = tuple[str, str, str, str]
"""wamid, status, participant, and phone number id, because an app is authorised for its own numbers only."""

_MESSAGES, _ATTEMPTS, _REPORTS = table(Message), table(SendAttempt), table(StatusReport)
_KEY = ("wamid", "status", "participant", "phone_number_id")
_KEYS = with_lists(
    lambda among: select(*(_REPORTS.c[name] for name in _KEY)).where(among(_REPORTS.c.wamid, "wamids"))
)
_WAITS = func.coalesce(_REPORTS.c.message_id, "") == ""
"""That a report waits for its message. Not `IS NULL`: for that SQLite reads the index of `message_id`, and with it all
reports that wait for ever, because another program sent their messages."""

_NEW = (
    "wamid", "status", "participant", "phone_number_id", "message_id", "timestamp", "error", "pricing", "callback_data",
    "notification_id", "received_at",
)  # fmt: skip
_add_new = InsertMany(StatusReport, *_NEW)


def add_new(session: Session, rows: Sequence[dict[str, Any]]) -> set[StatusKey]:
    """Insert the status reports that are new; return their keys. The caller holds the lock of `events.take_turn`."""
    found = session.execute(_KEYS(session), {"wamids": list({row["wamid"] for row in rows})})
    known = {(wamid, status, participant, number) for wamid, status, participant, number in found}
    new: dict[StatusKey, dict[str, Any]] = {}
    for row in rows:
        key = (row["wamid"], row["status"], row["participant"], row["phone_number_id"])
        if key not in known:
            new.setdefault(key, row)
    if new:
        _add_new.of_mappings(session.connection(), new.values())
    return set(new)


def attach(session: Session, message_id: str, wamid: str, phone_number_id: str, now: datetime) -> None:
    """Attach the waiting reports on a wamid to its message, and advance the message as they say, in order of time.

    Takes reports about the message's own number only, because another app may have signed those about other numbers.
    """
    waiting = (
        StatusReport.wamid == wamid,
        StatusReport.phone_number_id == phone_number_id,
        _WAITS,
    )
    statement = update(StatusReport).where(*waiting).values(message_id=message_id)
    result = session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    if not result.rowcount:
        return
    query = select(StatusReport).where(StatusReport.message_id == message_id, StatusReport.wamid == wamid)
    for report in session.scalars(query.order_by(StatusReport.timestamp, StatusReport.id)):
        if report.pricing is not None:
            messages.set_pricing(session, [{"id": message_id, "pricing": report.pricing}])
        if not report.participant:  # a report on one participant of a group does not describe the message as a whole
            values: dict[str, Any] = {"updated_at": now} | ({"error": report.error} if report.error else {})
            attempts.set_status(session, message_id, report.status, movable_to(report.status), **values)


_KNOWN_TO_META = with_lists(
    lambda among: union(
        select(_REPORTS.c.wamid).where(among(_REPORTS.c.wamid, "wamids"), _WAITS),
        select(_MESSAGES.c.wamid).where(among(_MESSAGES.c.wamid, "wamids"), _MESSAGES.c.source != "live"),
    )
)


def _messages_with_waiting(among: Among) -> Any:
    """Build the query for messages with one of these wamids that have waiting reports."""
    own = select(_MESSAGES.c.wamid, _MESSAGES.c.id, _MESSAGES.c.phone_number_id)
    earlier = select(_ATTEMPTS.c.wamid, _MESSAGES.c.id, _MESSAGES.c.phone_number_id)
    earlier = earlier.join(_MESSAGES, _MESSAGES.c.id == _ATTEMPTS.c.message_id)
    found = [
        query.where(
            among(names.c.wamid, "wamids"),
            exists().where(
                _REPORTS.c.wamid == names.c.wamid,
                _REPORTS.c.phone_number_id == _MESSAGES.c.phone_number_id,
                _WAITS,
            ),
        )
        for query, names in ((own, _MESSAGES), (earlier, _ATTEMPTS))
    ]
    return union(*found)


_MESSAGES_WITH_WAITING = with_lists(_messages_with_waiting)


def known_to_meta(session: Session, wamids: Collection[str]) -> set[str]:
    """Return those wamids that Meta mentioned before Graph's response was recorded, in a waiting report or an echo."""
    return set(session.scalars(_KNOWN_TO_META(session), {"wamids": list(wamids)}))


def attach_earlier_news(session: Session, wamids: Collection[str], now: datetime) -> None:
    """Merge the echoes and attach the reports that arrived before their messages got these wamids."""
    echoes.absorb(session, wamids, now)
    attach_waiting(session, wamids, now)


def attach_waiting(session: Session, wamids: Collection[str], now: datetime) -> None:
    """Attach the waiting reports on these wamids to the messages that have them."""
    for wamid, message_id, number in session.execute(_MESSAGES_WITH_WAITING(session), {"wamids": list(wamids)}).all():
        attach(session, message_id, wamid, number, now)

"""Statuses as Meta reported them; some before the message they are about was known by its wamid."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, exists, insert, select, union, update
from sqlalchemy.orm import Session

from app.domain.statuses import movable_to
from app.models import Message, SendAttempt, StatusReport
from app.models.base import table
from app.store import attempts, echoes, messages
from app.store.dialect import Among, with_lists

StatusKey = tuple[str, str, str, str]
"""wamid, status, participant, and our number, which an app may not speak of for another's."""

_MESSAGES, _TRIES, _REPORTS = table(Message), table(SendAttempt), table(StatusReport)
_KEY = ("wamid", "status", "participant", "phone_number_id")
_KEYS = with_lists(
    lambda among: select(*(_REPORTS.c[name] for name in _KEY)).where(among(_REPORTS.c.wamid, "wamids"))
)
_ADD_REPORTS = insert(_REPORTS)


def add_new(session: Session, rows: Sequence[dict[str, Any]]) -> set[StatusKey]:
    """Insert status reports not seen before; return the keys of those. The caller has the turn: see `store.events`."""
    found = session.execute(_KEYS(session), {"wamids": list({row["wamid"] for row in rows})})
    known = {(wamid, status, participant, number) for wamid, status, participant, number in found}
    new: dict[StatusKey, dict[str, Any]] = {}
    for row in rows:
        key = (row["wamid"], row["status"], row["participant"], row["phone_number_id"])
        if key not in known:
            new.setdefault(key, row)
    if new:
        session.execute(_ADD_REPORTS, list(new.values()))
    return set(new)


def adopt(session: Session, message_id: str, wamid: str, phone_number_id: str, now: datetime) -> None:
    """Give a message the reports on its wamid that wait for it, and move it as they say, in the order of their times.

    Only reports about the message's own number: another's may have been signed by somebody else.
    """
    waiting = (
        StatusReport.wamid == wamid,
        StatusReport.phone_number_id == phone_number_id,
        StatusReport.message_id.is_(None),
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
        if not report.participant:  # what one member of a group has read says nothing of the others
            values: dict[str, Any] = {"updated_at": now} | ({"error": report.error} if report.error else {})
            attempts.set_status(session, message_id, report.status, movable_to(report.status), **values)


_TOLD_OF = with_lists(
    lambda among: union(
        select(_REPORTS.c.wamid).where(among(_REPORTS.c.wamid, "wamids"), _REPORTS.c.message_id.is_(None)),
        select(_MESSAGES.c.wamid).where(among(_MESSAGES.c.wamid, "wamids"), _MESSAGES.c.source != "live"),
    )
)


def _adopters(among: Among) -> Any:
    """The messages that are known by one of these wamids, with it, and that reports wait for."""
    own = select(_MESSAGES.c.wamid, _MESSAGES.c.id, _MESSAGES.c.phone_number_id)
    earlier = select(_TRIES.c.wamid, _MESSAGES.c.id, _MESSAGES.c.phone_number_id)
    earlier = earlier.join(_MESSAGES, _MESSAGES.c.id == _TRIES.c.message_id)
    found = [
        query.where(
            among(names.c.wamid, "wamids"),
            exists().where(
                _REPORTS.c.wamid == names.c.wamid,
                _REPORTS.c.phone_number_id == _MESSAGES.c.phone_number_id,
                _REPORTS.c.message_id.is_(None),
            ),
        )
        for query, names in ((own, _MESSAGES), (earlier, _TRIES))
    ]
    return union(*found)


_ADOPTERS = with_lists(_adopters)


def told_of(session: Session, wamids: Collection[str]) -> set[str]:
    """Which of these wamids Meta spoke of before Graph's answer was recorded: in reports that wait, or by an echo."""
    return set(session.scalars(_TOLD_OF(session), {"wamids": list(wamids)}))


def take_over(session: Session, wamids: Collection[str], now: datetime) -> None:
    """Give messages that have just got these wamids whatever Meta said of them before: their echoes and reports."""
    echoes.absorb(session, wamids, now)
    adopt_all(session, wamids, now)


def adopt_all(session: Session, wamids: Collection[str], now: datetime) -> None:
    """The same for every message that is known by one of these wamids."""
    for wamid, message_id, number in session.execute(_ADOPTERS(session), {"wamids": list(wamids)}).all():
        adopt(session, message_id, wamid, number, now)

"""Status reports that came before the message they are about was known by its wamid."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from app.domain.statuses import movable_to
from app.models import Message, SendAttempt, StatusReport
from app.models.base import table
from app.store import attempts, messages
from app.store.dialect import with_lists


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


_REPORTS = table(StatusReport)
_WAITING = with_lists(
    lambda among: select(_REPORTS.c.wamid)
    .where(among(_REPORTS.c.wamid, "wamids"), _REPORTS.c.message_id.is_(None))
    .distinct()
)


def waiting(session: Session, wamids: Collection[str]) -> set[str]:
    """Which of these wamids have reports that wait for their message."""
    return set(session.scalars(_WAITING(session), {"wamids": list(wamids)}))


def adopt_all(session: Session, wamids: Collection[str], now: datetime) -> None:
    """The same for every message that is known by one of these wamids."""
    own = select(Message.wamid, Message.id, Message.phone_number_id).where(Message.wamid.in_(wamids))
    earlier = (
        select(SendAttempt.wamid, Message.id, Message.phone_number_id)
        .join(Message, Message.id == SendAttempt.message_id)
        .where(SendAttempt.wamid.in_(wamids))
    )
    for wamid, message_id, number in session.execute(own.union(earlier)).all():
        adopt(session, message_id, str(wamid), number, now)

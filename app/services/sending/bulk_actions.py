"""Actions of a person on many sends at once: release held ones, retry failed ones, cancel waiting ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.holds import Selection
from app.domain.outbound import Priority
from app.errors import GatewayError, Invalid
from app.models import Message
from app.services.audit_log import record_act
from app.services.sending.actions import CANCELLABLE, RETRIABLE, requeue
from app.services.sending.holds import release
from app.services.sending.status_events import append_status_events
from app.store import attempts, events, held_sends, messages, queue

BATCH_SIZE = 100
MAX_MESSAGES = 5000
"""How many messages one call handles at most; the result tells whether there are more."""


@dataclass(frozen=True, slots=True)
class BulkResult:
    """`moved` counts changed messages, `refused` the others by error code; `more` tells whether others may be left."""

    moved: int
    refused: dict[str, int]
    more: bool


class BulkActions:
    """Each action changes the messages of a selection, `BATCH_SIZE` in a transaction, and appends an event for each.

    All of them raise `Invalid` for a status in the selection that the action does not allow, and `Unavailable`.
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def release(self, wanted: Selection) -> BulkResult:
        """Queue held messages again; those whose `expires_at` has passed become `expired`."""
        return self._act(replace(wanted, statuses=("held",)), "queued", "messages.released", release)

    def retry(self, wanted: Selection) -> BulkResult:
        """Queue failed, expired, cancelled and held messages for another attempt."""

        def again(session: Session, row: Message, now: datetime) -> str:
            requeue(session, row, now, False, priority=Priority.BULK if row.batch_id else Priority.NORMAL)
            return "queued"

        return self._act(_within(wanted, RETRIABLE), "queued", "messages.retried", again)

    def cancel(self, wanted: Selection) -> BulkResult:
        """Cancel queued and held messages."""

        def give_up(session: Session, row: Message, now: datetime) -> str:
            queue.remove(session, [row.id])
            return "cancelled"

        return self._act(_within(wanted, CANCELLABLE), "cancelled", "messages.cancelled", give_up)

    def summary(self, wanted: Selection) -> Sequence[Any]:
        """Count a selection's messages by status, reason, number and batch: see `store.held_sends.summary`."""
        with self._database.read() as session:
            return held_sends.summary(session, wanted)

    def _act(
        self, wanted: Selection, status: str, name: str, act: Callable[[Session, Message, datetime], str]
    ) -> BulkResult:
        moved, refused, after = 0, dict[str, int](), ""
        for _ in range(MAX_MESSAGES // BATCH_SIZE):
            with self._database.read() as session:
                ids = held_sends.select_ids(session, wanted, after, BATCH_SIZE)
            if not ids:
                return BulkResult(moved, refused, False)
            after = ids[-1]
            with self._database.write() as session:
                events.take_turn(session)
                now = self._now()
                gone = []
                for row in messages.find_many(session, ids).values():
                    try:
                        with session.begin_nested():
                            if attempts.set_status(
                                session, row.id, status, wanted.statuses, updated_at=now, error=None, held_for=None
                            ):
                                act(session, row, now)
                                gone.append(row.id)
                    except GatewayError as error:  # the customer's window has closed, or the recipient opted out
                        refused[error.code] = refused.get(error.code, 0) + 1
                append_status_events(session, dict.fromkeys(gone), now)
                if gone:
                    record_act(session, now, act=name, subject="messages", details={"ids": gone})
                moved += len(gone)
        return BulkResult(moved, refused, True)


def _within(wanted: Selection, allowed: tuple[str, ...]) -> Selection:
    """Return the selection with the action's statuses where it names none. Raises `Invalid` for any other status."""
    if not wanted.statuses:
        return replace(wanted, statuses=allowed)
    if not set(wanted.statuses) <= set(allowed):
        raise Invalid(fields={"status": [f"must be one of {', '.join(allowed)}"]})
    return wanted

"""What a person does to many sends at once: let go what is held, try again what failed, give up what waits."""

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
from app.services.sending.actions import CANCELLABLE, RETRIABLE, requeue
from app.services.sending.holds import release
from app.services.sending.status_events import append_status_events
from app.store import attempts, events, held_sends, messages, queue

PORTION = 100
MOST = 5000
"""So many messages are done by one call; who wants more calls again."""


@dataclass(frozen=True, slots=True)
class Done:
    """How many messages were moved, how many of the selection could not be and why, and whether there may be more."""

    moved: int
    refused: dict[str, int]
    more: bool


class ManySends:
    """Each moves the messages of a selection, in portions, and tells of each by an event. `statuses` are its own."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def release(self, wanted: Selection) -> Done:
        """Let held messages wait for their turn again; one whose time is over expires."""
        return self._act(replace(wanted, statuses=("held",)), "queued", release)

    def retry(self, wanted: Selection) -> Done:
        """Queue messages for another try that failed, expired, were given up or are held."""

        def again(session: Session, row: Message, now: datetime) -> str:
            requeue(session, row, now, False, lane=Priority.BULK if row.batch_id else Priority.NORMAL)
            return "queued"

        return self._act(_within(wanted, RETRIABLE), "queued", again)

    def cancel(self, wanted: Selection) -> Done:
        """Give up messages that wait or are held."""

        def give_up(session: Session, row: Message, now: datetime) -> str:
            queue.remove(session, [row.id])
            return "cancelled"

        return self._act(_within(wanted, CANCELLABLE), "cancelled", give_up)

    def summary(self, wanted: Selection) -> Sequence[Any]:
        """How many messages of a selection there are, by status, reason, number and batch."""
        with self._database.read() as session:
            return held_sends.summary(session, wanted)

    def _act(self, wanted: Selection, status: str, act: Callable[[Session, Message, datetime], str]) -> Done:
        moved, refused, after = 0, dict[str, int](), ""
        for _ in range(MOST // PORTION):
            with self._database.read() as session:
                ids = held_sends.select_ids(session, wanted, after, PORTION)
            if not ids:
                return Done(moved, refused, False)
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
                    except GatewayError as error:  # its window is closed, or the recipient wants none
                        refused[error.code] = refused.get(error.code, 0) + 1
                append_status_events(session, dict.fromkeys(gone), now)
                moved += len(gone)
        return Done(moved, refused, True)


def _within(wanted: Selection, allowed: tuple[str, ...]) -> Selection:
    """The selection, of the statuses that the action is for. Raises `Invalid` for one that it is not for."""
    if not wanted.statuses:
        return replace(wanted, statuses=allowed)
    if not set(wanted.statuses) <= set(allowed):
        raise Invalid(fields={"status": [f"must be one of {', '.join(allowed)}"]})
    return wanted

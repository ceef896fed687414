"""Sends held for a person: for what reason, and how they are let go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.holds import HeldFor, hold_error
from app.domain.outbound import Priority
from app.models import Message
from app.services.sending.actions import requeue
from app.services.sending.status_events import append_status_events
from app.store import attempts, events, held_sends, queue

PORTION = 100
SKEW = timedelta(seconds=10)
"""What was written so shortly after the last sign of use may still have been written before a copy was made."""

MAY_HAVE_GONE = (HeldFor.UNKNOWN, HeldFor.RESTORED)


class HoldSends:
    """Holds everything that waits and should have gone by now."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def everything(
        self, reason: HeldFor, *, used_until: datetime | None = None, numbers: Sequence[str] | None = None
    ) -> int:
        """Hold every send that waits and was wanted before now, of these numbers (None: of all); return how many.

        For `RESTORED` also those whose outcome nobody knows, unless they were asked for after `used_until`: the
        setting that has them sent again cannot count on reports that came while another copy was in use.
        """
        now, count = self._now(), 0
        while True:
            with self._database.write() as session:
                events.take_turn(session)
                found = held_sends.find_overdue(session, now, numbers, PORTION)
                count += len(hold(session, found, reason, now))
            if len(found) < PORTION:
                break
        if reason is HeldFor.RESTORED:
            count += self._unknown(now, (used_until or now) + SKEW)
        return count

    def _unknown(self, now: datetime, before: datetime) -> int:
        count = 0
        while True:
            with self._database.write() as session:
                events.take_turn(session)
                found = held_sends.find_unknown(session, min(before, now), PORTION)
                why = hold_error(HeldFor.RESTORED)
                held = attempts.set_status_of(
                    session, found, "held", ("unknown",), now, held_for=HeldFor.RESTORED, error=why
                )
                append_status_events(session, dict.fromkeys(held, why), now)
                count += len(held)
            if len(found) < PORTION:
                return count


def hold(session: Session, waiting: Sequence[queue.Row], reason: HeldFor, now: datetime) -> list[str]:
    """Hold messages that wait in the queue, where they keep their place; return which.

    What may have gone is given the try that another copy of the database may have made, so that Meta's reports on it
    settle the message. The session must have the turn of who appends events.
    """
    ids = [row["message_id"] for row in waiting]
    if not ids:
        return []
    why = hold_error(reason)
    held = attempts.set_status_of(session, ids, "held", ("queued",), now, held_for=reason, error=why)
    queue.postpone_many(session, ids, queue.NEVER)
    if reason in MAY_HAVE_GONE:
        tries = [(row["message_id"], row["attempt"]) for row in waiting if row["message_id"] in set(held)]
        attempts.add_unknown(session, tries, now)
    append_status_events(session, dict.fromkeys(held, why), now)
    return held


def release(session: Session, message: Message, now: datetime, *, force: bool = False) -> str:
    """Let a held message wait for its turn again; return its new status, `expired` if its time is over meanwhile.

    It must be `queued` already. Raises what `send_rules` raise, for a message that has lost its place in the queue.
    """
    row = queue.find(session, message.id)
    if row is None:
        lane = Priority.BULK if message.batch_id else Priority.NORMAL
        requeue(session, message, now, force, lane=lane)
        return "queued"
    if row.expires_at <= now:
        queue.remove(session, [message.id])
        attempts.set_status(session, message.id, "expired", ("queued",), updated_at=now)
        return "expired"
    row.attempt = max(row.attempt, attempts.last_number(session, message.id) + 1)
    row.due_at = queue.NEVER if queue.batch_state(session, message.batch_id) == "paused" else now
    return "queued"

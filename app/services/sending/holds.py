"""Hold sends for a person's decision, and release them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.holds import HeldFor, hold_error
from app.domain.outbound import Priority
from app.models import Message
from app.services.audit_log import record_act
from app.services.sending import message_media
from app.services.sending.actions import requeue
from app.services.sending.status_events import append_status_events
from app.store import attempts, events, held_sends, queue

BATCH_SIZE = 100
SKEW = timedelta(seconds=10)
"""Rows written so shortly after the last heartbeat may still be part of a copy of the database."""

MAY_HAVE_GONE = (HeldFor.UNKNOWN, HeldFor.RESTORED)


class HoldSends:
    """Holds all sends that wait in the queue and were due already."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def hold_all(
        self, reason: HeldFor, *, used_until: datetime | None = None, numbers: Sequence[str] | None = None
    ) -> int:
        """Hold every queued send of these numbers (None: of all) with `wanted_at` up to now; return how many.

        For `RESTORED` also hold `unknown` messages that were requested before `used_until`: their reports may have come
        while another copy of the database was in use, so `UNKNOWN_SEND_POLICY=resend` must not send them again.
        """
        now, count = self._now(), 0
        with self._database.write() as session:
            details = {"reason": str(reason), "phone_number_ids": list(numbers or ())}
            record_act(session, now, act="messages.held", subject="messages", details=details)
        while True:
            with self._database.write() as session:
                events.take_turn(session)
                found = held_sends.find_overdue(session, now, numbers, BATCH_SIZE)
                count += len(hold(session, found, reason, now))
            if len(found) < BATCH_SIZE:
                break
        if reason is HeldFor.RESTORED:
            count += self._unknown(now, (used_until or now) + SKEW)
        return count

    def _unknown(self, now: datetime, before: datetime) -> int:
        count = 0
        while True:
            with self._database.write() as session:
                events.take_turn(session)
                found = held_sends.find_unknown(session, min(before, now), BATCH_SIZE)
                error = hold_error(HeldFor.RESTORED)
                held = attempts.set_status_of(
                    session, found, "held", ("unknown",), now, held_for=HeldFor.RESTORED, error=error
                )
                append_status_events(session, dict.fromkeys(held, error), now)
                count += len(held)
            if len(found) < BATCH_SIZE:
                return count


def hold(session: Session, waiting: Sequence[queue.Row], reason: HeldFor, now: datetime) -> list[str]:
    """Hold queued messages, given by their rows of the queue, which they keep; return the ids of those held.

    If a message may have been sent, an `unknown` attempt is added, so that Meta's reports on it resolve the message.
    The session must hold the lock of `events.take_turn`.
    """
    ids = [row["message_id"] for row in waiting]
    if not ids:
        return []
    error = hold_error(reason)
    held = attempts.set_status_of(session, ids, "held", ("queued",), now, held_for=reason, error=error)
    queue.postpone_many(session, ids, queue.NEVER)
    if reason in MAY_HAVE_GONE:
        keys = [(row["message_id"], row["attempt"]) for row in waiting if row["message_id"] in set(held)]
        attempts.add_unknown(session, keys, now)
    append_status_events(session, dict.fromkeys(held, error), now)
    return held


def release(session: Session, message: Message, now: datetime, *, force: bool = False) -> str:
    """Make a held message due again; return its new status: `queued`, or `expired` if `expires_at` has passed.

    Its status must be `queued` already. A message without a row in the queue is checked as a new send is: then this
    raises `WindowClosed`, `OptedOut` and `Invalid`.
    """
    row = queue.find(session, message.id)
    if row is None:
        priority = Priority.BULK if message.batch_id else Priority.NORMAL
        requeue(session, message, now, force, priority=priority)
        return "queued"
    if row.expires_at <= now:
        queue.remove(session, [message.id])
        attempts.set_status(session, message.id, "expired", ("queued",), updated_at=now)
        return "expired"
    row.attempt = max(row.attempt, attempts.last_number(session, message.id) + 1)
    is_paused = queue.batch_state(session, message.batch_id) == "paused"
    row.due_at = now if message_media.is_ready(session, row, message, now) and not is_paused else queue.NEVER
    return "queued"

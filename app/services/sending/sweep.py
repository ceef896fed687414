"""Sweep sends: orphaned attempts, unknown outcomes, expired sends, and old keys and limiters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.config.settings import Config
from app.db.database import Database
from app.domain.holds import HeldFor, hold_error
from app.domain.outbound import Priority
from app.errors import Invalid
from app.models import Message
from app.services.registries import limits_of
from app.services.sending.record import enqueue, to_request
from app.services.sending.status_events import StatusErrors, append_status_events
from app.store import attempts, events, held_sends, idempotency, limiters, queue, workers

MAX_WAIT_AND_RECORDING = timedelta(seconds=30)
"""Longer than an attempt may wait for its slot and its outcome for being recorded, without the call to Graph itself. An
attempt that is still `sending` after that has lost its process."""

BATCH_SIZE = 100
EXPIRED = "The message's time was over before its turn came; it did not go out."


class SweepSends:
    """A worker calls each method from time to time. Each takes the write lock only if there is something to do.

    All of them raise `Unavailable`.
    """

    def __init__(self, config: Config, database: Database, now: Callable[[], datetime]) -> None:
        self._orphaned_after = timedelta(seconds=config.graph_timeout_seconds) + MAX_WAIT_AND_RECORDING
        self._limits = limits_of(config)
        self._database = database
        self._now = now

    def reap_orphans(self) -> int:
        """Move attempts whose process is gone to `unknown`, since they may have been sent. Return how many."""
        now = self._now()
        with self._database.read() as session:
            orphans = attempts.find_orphans(session, now - self._orphaned_after, BATCH_SIZE)
        if not orphans:
            return 0
        with self._database.write() as session:
            for attempt in orphans:
                if attempts.finish(session, attempt.message_id, attempt.number, state="unknown", now=now):
                    attempts.set_status(session, attempt.message_id, "unknown", ("sending",), updated_at=now)
        return len(orphans)

    def resolve_unknown(self) -> int:
        """Resolve messages that have been `unknown` for longer than `UNKNOWN_SEND_SECONDS`. Return how many.

        They are held for a person, or sent again if every worker has `UNKNOWN_SEND_POLICY=resend`.
        """
        now = self._now()
        with self._database.read() as session:
            limits = workers.strictest(session, now, self._limits)
            before = now - timedelta(seconds=limits.unknown_send_seconds)
            found = attempts.find_unknown(session, before, BATCH_SIZE)
        if not found:
            return 0
        with self._database.write() as session:
            events.take_turn(session)
            if limits.resends_unknown:
                found = [each for each in found if self._resend(session, each, now)]
            else:
                unlikely = attempts.select_unlikely(session, found)
                found = self._hold(session, sorted(set(found) - unlikely), HeldFor.UNKNOWN, now) + self._hold(
                    session, sorted(unlikely), HeldFor.UNLIKELY, now
                )
        return len(found)

    def resend_unlikely(self) -> int:
        """Send held messages again that hardly went out, once Meta has reported on a later message of the number.

        Meta's silence about the earlier message then shows that it never received it. Return how many.
        """
        now = self._now()
        with self._database.read() as session:
            found = held_sends.find_resendable(session, BATCH_SIZE)
        if not found:
            return 0
        with self._database.write() as session:
            events.take_turn(session)
            for message_id in found:
                if attempts.set_status(
                    session, message_id, "unknown", ("held",), updated_at=now, held_for=None, error=None
                ):
                    self._resend(session, message_id, now)
        return len(found)

    def _hold(self, session: Session, message_ids: list[str], reason: HeldFor, now: datetime) -> list[str]:
        error = hold_error(reason)
        held = attempts.set_status_of(session, message_ids, "held", ("unknown",), now, held_for=reason, error=error)
        append_status_events(session, dict.fromkeys(held, error), now)
        return held

    def _resend(self, session: Session, message_id: str, now: datetime) -> bool:
        message = session.get(Message, message_id)
        if message is None or not attempts.set_status(session, message_id, "queued", ("unknown",), updated_at=now):
            return False
        try:
            attempt = attempts.last_number(session, message_id) + 1
            enqueue(session, message, message.phone_number_id, to_request(message), now, attempt=attempt)
        except Invalid:  # the customer's window has closed meanwhile
            attempts.set_status(session, message_id, "expired", ("queued",), updated_at=now)
            append_status_events(session, {message_id: None}, now)
        return True

    def expire(self) -> int:
        """Move queued messages whose `expires_at` has passed to `expired`. Return how many."""
        now = self._now()
        with self._database.read() as session:
            found = queue.find_expired(session, now, BATCH_SIZE)
        if not found:
            return 0
        with self._database.write() as session:
            events.take_turn(session)
            expired: StatusErrors = {}
            for priority in Priority:
                theirs = [message_id for message_id, rank in found.items() if rank == priority.rank]
                error: dict[str, Any] = {"code": None, "title": EXPIRED, "details": f"expired: {priority}"}
                moved = attempts.set_status_of(session, theirs, "expired", ("queued",), now, error=error)
                expired |= dict.fromkeys(moved, error)
            queue.remove(session, list(found))
            append_status_events(session, expired, now)
        return len(expired)

    def purge(self) -> None:
        """Delete expired idempotency keys, and the limiters of recipients that restrict nothing any more."""
        now = self._now()
        with self._database.read() as session:
            has_keys = idempotency.any_expired(session, now)
            has_limiters = limiters.any_to_purge(session, now)
        if not has_keys and not has_limiters:
            return
        with self._database.write() as session:
            idempotency.purge(session, now)
            limiters.purge_recipients(session, now)

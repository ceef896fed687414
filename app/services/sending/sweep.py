"""What time does to sends: a try without a process, an outcome nobody reports, a turn that never came, an old key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.config.settings import Config
from app.db.database import Database
from app.domain.holds import HeldFor, why_held
from app.errors import Invalid
from app.models import Message
from app.services.registries.send_limits import limits_of
from app.services.sending.record import LANES, enqueue, to_request
from app.services.sending.status_events import append_status_events
from app.store import attempts, events, held_sends, idempotency, queue, rate_limits, workers

LONGEST_BEFORE_AND_AFTER = timedelta(seconds=30)
"""Longer than a try may wait for its turn and its outcome for being recorded, the call to Graph not counted. A try that
is still `sending` then has lost its process."""

AT_ONCE = 100
TOO_LATE = "The message's time was over before its turn came; it did not go out."


class SettleSends:
    """Run now and then by a worker. Each looks first, and takes the write lock only if there is something to do."""

    def __init__(self, config: Config, database: Database, now: Callable[[], datetime]) -> None:
        self._abandoned_after = timedelta(seconds=config.graph_timeout_seconds) + LONGEST_BEFORE_AND_AFTER
        self._limits = limits_of(config)
        self._database = database
        self._now = now

    def abandoned(self) -> int:
        """Mark tries that lost their process as `unknown`: they may have gone out. Return how many."""
        now = self._now()
        with self._database.read() as session:
            lost = attempts.find_abandoned(session, now - self._abandoned_after, AT_ONCE)
        if not lost:
            return 0
        with self._database.write() as session:
            for attempt in lost:
                if attempts.end(session, attempt.message_id, attempt.number, state="unknown", now=now):
                    attempts.set_status(session, attempt.message_id, "unknown", ("sending",), updated_at=now)
        return len(lost)

    def unreported(self) -> int:
        """Settle messages that have been unknown for longer than `UNKNOWN_SEND_SECONDS`. Return how many.

        They are held for a person, or sent again if `UNKNOWN_SEND_POLICY` says so in every worker.
        """
        now = self._now()
        with self._database.read() as session:
            limits = workers.strictest(session, now, self._limits)
            found = attempts.long_unknown(session, now - timedelta(seconds=limits.unknown_send_seconds), AT_ONCE)
        if not found:
            return 0
        with self._database.write() as session:
            events.take_turn(session)
            if limits.resends_unknown:
                found = [each for each in found if self._resend(session, each, now)]
            else:
                unlikely = attempts.unlikely(session, found)
                found = self._hold(session, sorted(set(found) - unlikely), HeldFor.UNKNOWN, now) + self._hold(
                    session, sorted(unlikely), HeldFor.UNLIKELY, now
                )
        return len(found)

    def unlikely(self) -> int:
        """Send again what hardly went, once Meta has reported on something that was sent later; return how many.

        Its silence about this one then says that it never had it.
        """
        now = self._now()
        with self._database.read() as session:
            found = held_sends.hardly_gone(session, AT_ONCE)
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
        why = why_held(reason)
        held = attempts.set_status_of(session, message_ids, "held", ("unknown",), now, held_for=reason, error=why)
        append_status_events(session, dict.fromkeys(held, why), now)
        return held

    def _resend(self, session: Session, message_id: str, now: datetime) -> bool:
        message = session.get(Message, message_id)
        if message is None or not attempts.set_status(session, message_id, "queued", ("unknown",), updated_at=now):
            return False
        try:
            again = attempts.last_number(session, message_id) + 1
            enqueue(session, message, message.phone_number_id, to_request(message), now, attempt=again)
        except Invalid:  # the window closed meanwhile
            attempts.set_status(session, message_id, "expired", ("queued",), updated_at=now)
            append_status_events(session, {message_id: None}, now)
        return True

    def expired(self) -> int:
        """Give up what waited until its time was over. Return how many."""
        now = self._now()
        with self._database.read() as session:
            found = queue.expired(session, now, AT_ONCE)
        if not found:
            return 0
        with self._database.write() as session:
            events.take_turn(session)
            over: dict[str, dict[str, Any] | None] = {}
            for priority, lane in LANES.items():
                theirs = [message_id for message_id, their_lane in found.items() if their_lane == lane]
                why = {"code": None, "title": TOO_LATE, "details": f"expired: {priority}"}
                moved = attempts.set_status_of(session, theirs, "expired", ("queued",), now, error=why)
                over |= dict.fromkeys(moved, why)
            queue.remove(session, list(found))
            append_status_events(session, over, now)
        return len(over)

    def forget(self) -> None:
        """Forget the idempotency keys whose time is over, and recipients that have been left in peace for long."""
        now = self._now()
        with self._database.read() as session:
            has_keys = idempotency.any_over(session, now)
            has_pairs = rate_limits.any_old_pair(session, now)
        if not has_keys and not has_pairs:
            return
        with self._database.write() as session:
            idempotency.forget(session, now)
            rate_limits.forget_pairs(session, now)

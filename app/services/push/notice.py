"""Find who is to be told of what, once, whichever worker finds it first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.db.database import Database
from app.ids import new_id
from app.store import jobs, push

QUIET = timedelta(minutes=1)
"""A device is told of one conversation at most once in this time."""

KEPT = timedelta(days=30)
"""How long it is known what a device was told."""


class NoticePushes:
    """Writes notices with their jobs. A cursor in the database says up to which event that was done."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def __call__(self) -> bool:
        """Look at what happened since any worker did so last. Returns whether more is left. Raises `Unavailable`."""
        if not self._database.look(push.ANY_DEVICE, {}) or not self._is_anything_new():
            return False
        now = self._now()
        with self._database.write() as session:
            after, until = push.cursor(session, locks=True)
            for row in sorted(push.untold(session, after, until, now - QUIET), key=_by_conversation):
                _note(session, row, now)
            push.move_cursor(session, until)
            push.purge(session, now - KEPT)
        return until - after == push.MOST_EVENTS

    def _is_anything_new(self) -> bool:
        with self._database.read() as session:
            after, until = push.cursor(session)
            return after < until or bool(push.untold(session, after, until, self._now() - QUIET))


def _by_conversation(row: Any) -> tuple[str, str]:
    """Return the order in which rows are written: that in which contacts that are merged lock their conversations."""
    return row.conversation_id, row.subscription_id


def _note(session: Session, row: Any, now: datetime) -> None:
    """Write a notice and its job; within the quiet time after the last one, for the end of it."""
    if row.told_at is not None and row.told_at > now:
        return  # one is to come already
    due_at = now if row.told_at is None else max(now, row.told_at + QUIET)
    notice = {"id": new_id(), "subscription_id": row.subscription_id, "conversation_id": row.conversation_id}
    notice_id = push.note(session, {**notice, "waiting_since": row.waiting_since, "told_at": due_at})
    # Whoever may not see the number is told nothing; the notice keeps the row from being found again.
    if row.numbers is None or row.phone_number_id in row.numbers:
        jobs.add(session, push.KIND, notice_id, due_at)

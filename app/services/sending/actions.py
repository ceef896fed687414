"""Actions of a person on one send: retry it, cancel it, or mark it as sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.outbound import Priority
from app.errors import NotFound, OptedOut, WrongState
from app.models import Message
from app.services.audit_log import record_act
from app.services.contacts import check_opt_out, check_window
from app.services.sending.record import enqueue, to_request
from app.services.sending.status_events import append_status_events
from app.services.sending.template_categories import TemplateCategories
from app.store import attempts, contact_numbers, events, messages, queue

RETRIABLE = ("failed", "held", "expired", "cancelled")
CANCELLABLE = ("queued", "held")
MARKABLE = ("held", "unknown")


class SendActions:
    """Each action changes the status of one message, if its status allows that, and appends an event."""

    def __init__(
        self, database: Database, categories: TemplateCategories, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._categories = categories
        self._now = now

    def retry(self, message_id: str, numbers: tuple[str, ...] | None, *, force: bool = False) -> str:
        """Queue a message for another attempt, which gets a wamid of its own; return the new status.

        Raises `NotFound` and `WrongState` (also for `unknown`: wait, or mark it as sent), and without `force` also
        `WindowClosed` and `OptedOut`.
        """
        try:
            return self._retry(message_id, numbers, force)
        except OptedOut as refusal:
            with self._database.read() as session:
                request = to_request(_find(session, message_id, numbers))
            self._categories.clear(request, str(request.phone_number_id), refusal)
        return self._retry(message_id, numbers, force, is_marketing=False)

    def cancel(self, message_id: str, numbers: tuple[str, ...] | None) -> str:
        """Cancel a message that is queued or held; return the new status. Raises `NotFound` and `WrongState`."""
        return self._act(message_id, numbers, CANCELLABLE, "cancelled", "message.cancelled", _leave_queue)

    def mark_sent(self, message_id: str, numbers: tuple[str, ...] | None) -> str:
        """Mark a message with an unknown outcome as sent; return the new status.

        Raises `NotFound` and `WrongState`.
        """
        return self._act(message_id, numbers, MARKABLE, "sent", "message.marked_sent", _leave_queue)

    def _retry(
        self, message_id: str, numbers: tuple[str, ...] | None, force: bool, is_marketing: bool | None = None
    ) -> str:
        def again(session: Session, row: Message) -> None:
            requeue(session, row, self._now(), force, is_marketing=is_marketing)

        return self._act(message_id, numbers, RETRIABLE, "queued", "message.retried", again)

    def _act(
        self,
        message_id: str,
        numbers: tuple[str, ...] | None,
        allowed: tuple[str, ...],
        status: str,
        name: str,
        act: Callable[[Session, Message], None],
    ) -> str:
        now = self._now()
        with self._database.write() as session:
            events.take_turn(session)
            row = _find(session, message_id, numbers)
            if row.direction != "outbound" or row.source != "live":
                raise WrongState("This can be done to messages that were sent through the gateway.")
            if not attempts.set_status(session, row.id, status, allowed, updated_at=now, error=None, held_for=None):
                raise WrongState(f"The message is {row.status}; this can be done while it is {' or '.join(allowed)}.")
            act(session, row)
            append_status_events(session, {row.id: None}, now)
            record_act(session, now, act=name, subject=f"message:{row.id}")
        return status


def _leave_queue(session: Session, row: Message) -> None:
    queue.remove(session, [row.id])


def _find(session: Session, message_id: str, numbers: tuple[str, ...] | None) -> Message:
    row = messages.find(session, message_id, numbers) if "\x00" not in message_id else None
    if row is None:
        raise NotFound("No message has this id.")
    return row


def requeue(
    session: Session,
    row: Message,
    now: datetime,
    force: bool,
    *,
    priority: Priority = Priority.NORMAL,
    is_marketing: bool | None = None,
) -> None:
    """Insert a message into the queue for another attempt. Its status must be `queued` already.

    Raises `WindowClosed`, `OptedOut` and `Invalid`.
    """
    request = replace(to_request(row), force=force, priority=priority, is_marketing=is_marketing)
    known = contact_numbers.recipient_state(session, row.contact_id, row.phone_number_id)
    check_window(request, known, now)
    check_opt_out(request, known)
    queue.remove(session, [row.id])  # a held message may still have its row
    attempt = attempts.last_number(session, row.id) + 1
    enqueue(session, row, row.phone_number_id, request, now, attempt=attempt, batch_id=row.batch_id)

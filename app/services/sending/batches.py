"""Read batches, and pause, resume, cancel or retry them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.outbound import Priority
from app.errors import GatewayError, NotFound, OptedOut, WrongState
from app.models import Batch
from app.services.audit_log import record_act
from app.services.idempotency import Retry
from app.services.registries import NumberDirectory
from app.services.sending.actions import requeue
from app.services.sending.add_batch import BATCH_SIZE, AddBatch, AddedBatch, BatchItem
from app.services.sending.record import to_request
from app.services.sending.status_events import append_status_events
from app.services.sending.template_categories import TemplateCategories
from app.store import attempts, events, limiters, messages, queue

UNFINISHED = frozenset({"queued", "sending", "unknown", "held"})
"""Statuses of messages that may still be sent, or that wait for a person's decision."""

MAX_RETRIED = 100_000


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch, and the number of its messages by status."""

    batch: Batch
    counts: dict[str, int]

    @property
    def state(self) -> str:
        """The batch's state; `finished` for a running batch whose messages all have a final status."""
        is_over = self.batch.state == "running" and not self.counts.keys() & UNFINISHED
        return "finished" if is_over else self.batch.state


class Batches:
    """Adds, reads, pauses, resumes, cancels and retries batches. `numbers` bounds what a caller may use; None: all."""

    def __init__(
        self,
        database: Database,
        directory: NumberDirectory,
        categories: TemplateCategories,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._categories = categories
        self._now = now
        self._add = AddBatch(database, directory, categories, lambda: self._now())

    def add(
        self,
        items: Sequence[BatchItem],
        name: str | None,
        phone_number_id: str | None,
        numbers: tuple[str, ...] | None,
        retry: Retry | None = None,
    ) -> AddedBatch:
        """Queue messages of one number as a batch: see `AddBatch`."""
        return self._add(items, name, phone_number_id, numbers, retry)

    def page(self, *, limit: int, before: str | None, numbers: tuple[str, ...] | None) -> list[BatchView]:
        """Return batches, newest first, after the one with the id `before`."""
        with self._database.read() as session:
            found = queue.list_batches(session, limit=limit, before=before, numbers=numbers)
            counts = queue.count_by_status(session, [batch.id for batch in found])
            return [BatchView(batch, counts[batch.id]) for batch in found]

    def find(self, batch_id: str, numbers: tuple[str, ...] | None) -> BatchView:
        """Return one batch. Raises `NotFound`."""
        with self._database.read() as session:
            return BatchView(_find(session, batch_id, numbers), queue.count_by_status(session, [batch_id])[batch_id])

    def pause(self, batch_id: str, numbers: tuple[str, ...] | None) -> BatchView:
        """Stop sending until `resume`. Raises `NotFound`, and `WrongState` for a batch that is not running."""
        return self._move(batch_id, numbers, ("running",), "paused", "batch.paused", queue.NEVER)

    def resume(self, batch_id: str, numbers: tuple[str, ...] | None) -> BatchView:
        """Continue sending, also if Meta had stopped the number's bulk sends. Raises `NotFound` and `WrongState`."""
        return self._move(batch_id, numbers, ("paused", "running"), "running", "batch.resumed", None)

    def cancel(self, batch_id: str, numbers: tuple[str, ...] | None) -> BatchView:
        """Cancel all queued and held messages. Raises `NotFound`, and `WrongState` for a cancelled batch."""
        view = self._move(batch_id, numbers, ("running", "paused"), "cancelled", "batch.cancelled", queue.NEVER)
        while True:
            with self._database.write() as session:
                events.take_turn(session)
                waiting = queue.ids_of_batch(session, batch_id)[:BATCH_SIZE]
                if not waiting:
                    break
                now = self._now()
                cancelled = attempts.set_status_of(
                    session, waiting, "cancelled", ("queued", "held"), now, held_for=None, error=None
                )
                queue.remove(session, waiting)
                append_status_events(session, dict.fromkeys(cancelled), now)
        return self.find(view.batch.id, numbers)

    def retry_failed(self, batch_id: str, numbers: tuple[str, ...] | None) -> BatchView:
        """Queue every failed message again. Raises `NotFound`, and `WrongState` for a cancelled batch."""
        if self.find(batch_id, numbers).batch.state == "cancelled":
            raise WrongState("The batch was cancelled.")
        with self._database.read() as session:
            failed = queue.messages_of_batch(session, batch_id, "failed", MAX_RETRIED)
        with self._database.write() as session:
            details = {"count": len(failed)}
            record_act(session, self._now(), act="batch.retried", subject=f"batch:{batch_id}", details=details)
        for start in range(0, len(failed), BATCH_SIZE):
            refused = self._retry(failed[start : start + BATCH_SIZE])
            cleared = [message_id for message_id, refusal in refused.items() if self._is_cleared(message_id, refusal)]
            if cleared:
                self._retry(cleared, is_marketing=False)
        return self.find(batch_id, numbers)

    def _retry(self, ids: Sequence[str], is_marketing: bool | None = None) -> dict[str, OptedOut]:
        """Queue the messages that still are failed; return the refusals of those whose recipient opted out, by id."""
        refused: dict[str, OptedOut] = {}
        with self._database.write() as session:
            now = self._now()
            for row in messages.find_many(session, ids).values():
                try:
                    with session.begin_nested():
                        if attempts.set_status(session, row.id, "queued", ("failed",), updated_at=now, error=None):
                            requeue(session, row, now, False, priority=Priority.BULK, is_marketing=is_marketing)
                except OptedOut as refusal:
                    refused[row.id] = refusal
                except GatewayError:
                    continue  # the customer's window has closed: the message stays failed
        return refused

    def _is_cleared(self, message_id: str, refusal: OptedOut) -> bool:
        """Return whether a refused message is a template of no marketing category."""
        with self._database.read() as session:
            rows = messages.find_many(session, [message_id])
            request = to_request(rows[message_id]) if rows else None
        if request is None:
            return False
        try:
            self._categories.clear(request, str(request.phone_number_id), refusal)
        except OptedOut:
            return False
        return True

    def _move(
        self,
        batch_id: str,
        numbers: tuple[str, ...] | None,
        allowed: tuple[str, ...],
        state: str,
        name: str,
        due_at: datetime | None,
    ) -> BatchView:
        now = self._now()
        with self._database.write() as session:
            batch = _find(session, batch_id, numbers)
            if batch.state not in allowed:
                raise WrongState(f"The batch is {batch.state}; this can be done while it is {' or '.join(allowed)}.")
            batch.state, batch.updated_at = state, now
            queue.postpone_batch(session, batch_id, due_at)
            record_act(session, now, act=name, subject=f"batch:{batch_id}")
            if state == "running":
                limiter = limiters.lock(session, batch.phone_number_id, now)
                limiter.bulk_stopped_by = None
                limiters.save(session, limiter)
        return self.find(batch_id, numbers)


def _find(session: Session, batch_id: str, numbers: tuple[str, ...] | None) -> Batch:
    found = queue.find_batch(session, batch_id, numbers) if "\x00" not in batch_id else None
    if found is None:
        raise NotFound("No batch has this id.")
    return found

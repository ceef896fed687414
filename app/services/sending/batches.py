"""Many sends with one handle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.database import Database
from app.domain.numbers import BusinessNumber
from app.domain.outbound import Mode, OutboundRequest, Priority
from app.errors import GatewayError, NotFound, OptedOut, WrongState
from app.ids import new_id
from app.models import Batch
from app.services.number_directory import NumberDirectory
from app.services.sending.actions import requeue
from app.services.sending.recipients import ContactAppeared
from app.services.sending.recording import choose_number, record_queued, to_request
from app.services.sending.told import tell
from app.services.template_categories import TemplateCategories
from app.store import attempts, events, messages, paces, queue

PORTION = 100
"""So many messages are written in one transaction, so that others get their turn in between."""


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch, and how many of its messages are in which status."""

    batch: Batch
    counts: dict[str, int]


Item = OutboundRequest | GatewayError


class Batches:
    """Queues many messages, and stops, resumes or gives up those that still wait."""

    def __init__(
        self,
        database: Database,
        directory: NumberDirectory,
        categories: TemplateCategories,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._directory = directory
        self._categories = categories
        self._now = now

    def add(
        self, items: Sequence[Item], name: str | None, phone_number_id: str | None, numbers: tuple[str, ...] | None
    ) -> tuple[str, list[str | GatewayError]]:
        """Queue messages of one number; return the batch's id, and for each its message's id or why there is none.

        An item that is an error already stays one. Raises `Invalid` and `NotFound` about the number.
        """
        number = choose_number(self._directory.current, phone_number_id, numbers)
        batch_id, now = new_id(), self._now()
        with self._database.write() as session:
            session.add(
                Batch(
                    id=batch_id, name=name, phone_number_id=number.phone_number_id, state="running", created_at=now,
                    updated_at=now,
                )
            )  # fmt: skip
        answers: list[str | GatewayError] = []
        for start in range(0, len(items), PORTION):
            answers += self._add_portion(items[start : start + PORTION], number, batch_id, now)
        return batch_id, answers

    def _add_portion(
        self, items: Sequence[Item], number: BusinessNumber, batch_id: str, now: datetime
    ) -> list[str | GatewayError]:
        wanted = [replace(item, mode=Mode.QUEUED) for item in items if not isinstance(item, GatewayError)]
        answers = self._record(wanted, number, batch_id, now)
        cleared: dict[int, OutboundRequest] = {}
        for place, answer in enumerate(answers):
            if isinstance(answer, OptedOut):
                try:
                    cleared[place] = self._categories.clear(wanted[place], number.phone_number_id, answer)
                except OptedOut as refusal:
                    answers[place] = refusal
        if cleared:
            again = self._record(list(cleared.values()), number, batch_id, now)
            for place, answer in zip(cleared, again, strict=True):
                answers[place] = answer
        found = iter(answers)
        return [item if isinstance(item, GatewayError) else next(found) for item in items]

    def _record(
        self, wanted: Sequence[OutboundRequest], number: BusinessNumber, batch_id: str, now: datetime
    ) -> list[str | GatewayError]:
        while True:
            try:
                with self._database.write() as session:
                    return record_queued(session, number, wanted, now, batch_id)
            except ContactAppeared:
                continue

    def page(self, *, limit: int, before: str | None, numbers: tuple[str, ...] | None) -> list[BatchView]:
        """Newest first."""
        with self._database.read() as session:
            found = queue.batches(session, limit=limit, before=before, numbers=numbers)
            counts = queue.counts(session, [batch.id for batch in found])
            return [BatchView(batch, counts[batch.id]) for batch in found]

    def find(self, batch_id: str, numbers: tuple[str, ...] | None) -> BatchView:
        """One batch. Raises `NotFound`."""
        with self._database.read() as session:
            return BatchView(_find(session, batch_id, numbers), queue.counts(session, [batch_id])[batch_id])

    def pause(self, batch_id: str, numbers: tuple[str, ...] | None) -> BatchView:
        """Let what waits wait longer. Raises `NotFound`, `WrongState` for a batch that is not running."""
        return self._move(batch_id, numbers, ("running",), "paused", queue.NEVER)

    def resume(self, batch_id: str, numbers: tuple[str, ...] | None) -> BatchView:
        """Go on, also if Meta had stopped the number's campaigns. Raises `NotFound`, `WrongState`."""
        return self._move(batch_id, numbers, ("paused", "running"), "running", None)

    def cancel(self, batch_id: str, numbers: tuple[str, ...] | None) -> BatchView:
        """Give up what has not left. Raises `NotFound`, `WrongState` for a batch that was given up before."""
        view = self._move(batch_id, numbers, ("running", "paused"), "cancelled", queue.NEVER)
        while True:
            with self._database.write() as session:
                events.take_turn(session)
                waiting = queue.of_batch(session, batch_id)[:PORTION]
                if not waiting:
                    break
                now = self._now()
                gone = attempts.set_status_of(session, waiting, "cancelled", ("queued",), now)
                queue.remove(session, waiting)
                tell(session, dict.fromkeys(gone), now)
        return self.find(view.batch.id, numbers)

    def retry_failed(self, batch_id: str, numbers: tuple[str, ...] | None) -> BatchView:
        """Queue every failed message of the batch for another try. Raises `NotFound`, `WrongState` when cancelled."""
        if self.find(batch_id, numbers).batch.state == "cancelled":
            raise WrongState("The batch was cancelled.")
        with self._database.read() as session:
            failed = queue.messages_of_batch(session, batch_id, "failed", 100_000)
        for start in range(0, len(failed), PORTION):
            refused = self._retry(failed[start : start + PORTION])
            cleared = [message_id for message_id, refusal in refused.items() if self._is_cleared(message_id, refusal)]
            if cleared:
                self._retry(cleared, is_marketing=False)
        return self.find(batch_id, numbers)

    def _retry(self, ids: Sequence[str], is_marketing: bool | None = None) -> dict[str, OptedOut]:
        """Queue those that still failed; return those that people may want no more, which stay failed."""
        refused: dict[str, OptedOut] = {}
        with self._database.write() as session:
            now = self._now()
            for row in messages.find_many(session, ids).values():
                try:
                    with session.begin_nested():
                        if attempts.set_status(session, row.id, "queued", ("failed",), updated_at=now, error=None):
                            requeue(session, row, now, False, lane=Priority.BULK, is_marketing=is_marketing)
                except OptedOut as refusal:
                    refused[row.id] = refusal
                except GatewayError:
                    continue  # its window closed: it stays failed
        return refused

    def _is_cleared(self, message_id: str, refusal: OptedOut) -> bool:
        """Whether a message that was refused is no marketing."""
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
        among: tuple[str, ...],
        state: str,
        due_at: datetime | None,
    ) -> BatchView:
        now = self._now()
        with self._database.write() as session:
            batch = _find(session, batch_id, numbers)
            if batch.state not in among:
                raise WrongState(f"The batch is {batch.state}; this can be done while it is {' or '.join(among)}.")
            batch.state, batch.updated_at = state, now
            queue.set_due(session, batch_id, due_at)
            if state == "running":
                pace = paces.hold(session, batch.phone_number_id, now)
                pace.bulk_stopped_by = None
                paces.keep(session, pace)
        return self.find(batch_id, numbers)


def _find(session: Any, batch_id: str, numbers: tuple[str, ...] | None) -> Batch:
    found = queue.find_batch(session, batch_id, numbers) if "\x00" not in batch_id else None
    if found is None:
        raise NotFound("No batch has this id.")
    return found

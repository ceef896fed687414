"""Many sends with one handle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.numbers import BusinessNumber
from app.domain.outbound import Mode, OutboundRequest, Priority
from app.errors import GatewayError, NotFound, OptedOut, WrongState
from app.ids import new_id
from app.models import Batch
from app.services.idempotency import requests
from app.services.idempotency.keys import KeyTaken, Retry
from app.services.registries.numbers import NumberDirectory
from app.services.sending.actions import requeue
from app.services.sending.recipients import ContactAppeared
from app.services.sending.record import Item, Queued, choose_number, record_queued, to_request
from app.services.sending.status_events import append_status_events
from app.services.sending.template_categories import TemplateCategories
from app.store import attempts, events, limiters, messages, queue

UNFINISHED = frozenset({"queued", "sending", "unknown", "held"})
"""Statuses of messages that may still go out, or that somebody has to decide about."""

PORTION = 100
"""So many messages are written in one transaction, so that others get their turn in between."""


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch, and how many of its messages are in which status."""

    batch: Batch
    counts: dict[str, int]

    @property
    def state(self) -> str:
        """The batch's state; `finished` for one that runs and has nothing left that may still go."""
        is_over = self.batch.state == "running" and not self.counts.keys() & UNFINISHED
        return "finished" if is_over else self.batch.state


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a bulk: its batch, if any message is in one, and of each message what was queued or why not.

    `is_replayed` says that the batch was there before, made by an earlier request with the same key.
    """

    batch_id: str | None
    answers: list[Answer]
    is_replayed: bool = False


Answer = Queued | GatewayError
Wanted = Item | GatewayError
"""A message to queue with its key, or why it cannot be."""


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
        self,
        wanted: Sequence[Wanted],
        name: str | None,
        phone_number_id: str | None,
        numbers: tuple[str, ...] | None,
        retry: Retry | None = None,
    ) -> Added:
        """Queue messages of one number as a batch, which is made with the first of them.

        An item that is an error already stays one. With `retry`, the same key of the same caller is the same batch:
        what an earlier request, perhaps one that was interrupted, has queued of it is found, and the rest is queued.
        Raises `Invalid` and `NotFound` about the number, and `IdempotencyMismatch`.
        """
        number = choose_number(self._directory.current, phone_number_id, numbers)
        now = self._now()
        new = _NewBatch(new_id(), name, number, retry)
        if retry is not None:
            with self._database.read() as session:
                new.found(requests.find_batch(session, retry))
        is_replayed = new.is_there
        answers: list[Answer] = []
        for start in range(0, len(wanted), PORTION):
            answers += self._add_portion(wanted[start : start + PORTION], start, new, now)
        if new.is_there:
            return Added(new.id, answers, is_replayed)
        earlier = {each.batch_id for each in answers if isinstance(each, Queued)}
        return Added(earlier.pop() if len(earlier) == 1 else None, answers)

    def _add_portion(self, wanted: Sequence[Wanted], start: int, new: _NewBatch, now: datetime) -> list[Answer]:
        items = [
            _Placed(start + place, replace(each[0], mode=Mode.QUEUED), each[1])
            for place, each in enumerate(wanted)
            if not isinstance(each, GatewayError)
        ]
        answers = self._record(items, new, now)
        cleared: dict[int, _Placed] = {}
        for place, answer in enumerate(answers):
            if isinstance(answer, OptedOut):
                request = items[place].request
                try:
                    request = self._categories.clear(request, new.number.phone_number_id, answer)
                except OptedOut as refusal:
                    answers[place] = refusal
                else:
                    cleared[place] = replace(items[place], request=request)
        if cleared:
            again = self._record(list(cleared.values()), new, now)
            for place, answer in zip(cleared, again, strict=True):
                answers[place] = answer
        found = iter(answers)
        return [each if isinstance(each, GatewayError) else next(found) for each in wanted]

    def _record(self, items: Sequence[_Placed], new: _NewBatch, now: datetime) -> list[Answer]:
        while True:
            given = [(each.request, each.retry or new.key_of(each.place)) for each in items]
            try:
                with self._database.write() as session:
                    state = queue.lock_batch(session, new.id) if new.is_there else "running"
                    answers = record_queued(session, new.number, given, now, new.id, is_open=state != "cancelled")
                    has_new = any(isinstance(answer, Queued) and not answer.is_replayed for answer in answers)
                    is_first = has_new and not new.is_there
                    if is_first:
                        new.make(session, now)
                    elif has_new and state == "paused":
                        queue.postpone_batch(session, new.id, queue.NEVER)
            except (ContactAppeared, KeyTaken):
                continue
            except _AnotherBatch as other:
                new.found(other.batch_id)
                continue
            new.is_there |= is_first
            return answers

    def page(self, *, limit: int, before: str | None, numbers: tuple[str, ...] | None) -> list[BatchView]:
        """Newest first."""
        with self._database.read() as session:
            found = queue.list_batches(session, limit=limit, before=before, numbers=numbers)
            counts = queue.count_by_status(session, [batch.id for batch in found])
            return [BatchView(batch, counts[batch.id]) for batch in found]

    def find(self, batch_id: str, numbers: tuple[str, ...] | None) -> BatchView:
        """One batch. Raises `NotFound`."""
        with self._database.read() as session:
            return BatchView(_find(session, batch_id, numbers), queue.count_by_status(session, [batch_id])[batch_id])

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
                waiting = queue.ids_of_batch(session, batch_id)[:PORTION]
                if not waiting:
                    break
                now = self._now()
                gone = attempts.set_status_of(
                    session, waiting, "cancelled", ("queued", "held"), now, held_for=None, error=None
                )
                queue.remove(session, waiting)
                append_status_events(session, dict.fromkeys(gone), now)
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
            queue.postpone_batch(session, batch_id, due_at)
            if state == "running":
                limiter = limiters.lock(session, batch.phone_number_id, now)
                limiter.bulk_stopped_by = None
                limiters.save(session, limiter)
        return self.find(batch_id, numbers)


def _find(session: Any, batch_id: str, numbers: tuple[str, ...] | None) -> Batch:
    found = queue.find_batch(session, batch_id, numbers) if "\x00" not in batch_id else None
    if found is None:
        raise NotFound("No batch has this id.")
    return found


@dataclass(frozen=True, slots=True)
class _Placed:
    """A message of a bulk: where in it, what it is, and its own key, if it has one."""

    place: int
    request: OutboundRequest
    retry: Retry | None


class _NewBatch:
    """The batch that a bulk makes, or finds."""

    def __init__(self, batch_id: str, name: str | None, number: BusinessNumber, retry: Retry | None) -> None:
        self.id = batch_id
        self.number = number
        self.is_there = False
        self._name = name
        self._retry = retry

    def found(self, batch_id: str | None) -> None:
        """Go on with a batch that an earlier request with the same key has made."""
        if batch_id is not None:
            self.id, self.is_there = batch_id, True

    def key_of(self, place: int) -> Retry | None:
        """The key of the message at a place of the bulk, if the bulk has one."""
        return Retry(f"batch:{self.id}", str(place), "", self._retry.kept_for) if self._retry is not None else None

    def make(self, session: Session, now: datetime) -> None:
        """Write the batch. Raises `_AnotherBatch` if a request with the same key has made one meanwhile."""
        if self._retry is not None:
            known = requests.claim_batch(session, self._retry, self.id, now)
            if known != self.id:
                raise _AnotherBatch(known)
        number_id = self.number.phone_number_id
        session.add(
            Batch(
                id=self.id, name=self._name, phone_number_id=number_id, state="running", created_at=now, updated_at=now
            )
        )


class _AnotherBatch(Exception):
    """Rolls back what a request began to write whose key another one has used at the same moment."""

    def __init__(self, batch_id: str) -> None:
        super().__init__()
        self.batch_id = batch_id

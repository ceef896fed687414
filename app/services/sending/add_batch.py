"""Add a batch: queue many messages of one number under one id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.numbers import BusinessNumber
from app.domain.outbound import Mode, OutboundRequest
from app.errors import GatewayError, OptedOut
from app.ids import new_id
from app.models import Batch
from app.services.idempotency import KeyTaken, Retry, claim_batch, find_batch
from app.services.registries import NumberDirectory
from app.services.sending.chosen_number import choose_number
from app.services.sending.recipients import ContactAppeared
from app.services.sending.record import Item, Queued, record_queued
from app.services.sending.template_categories import TemplateCategories
from app.store import queue

BATCH_SIZE = 100
"""How many messages one transaction writes, so that other writers do not wait long."""

ItemResult = Queued | GatewayError
BatchItem = Item | GatewayError
"""A message to queue with its idempotency key, or the error of one that cannot be queued."""


@dataclass(frozen=True, slots=True)
class AddedBatch:
    """The result of adding a batch: `results` are in the order of its items.

    `batch_id` is None if no item was queued. `is_replayed` tells that an earlier request with the same key has made
    the batch.
    """

    batch_id: str | None
    results: list[ItemResult]
    is_replayed: bool = False


class AddBatch:
    """Queues many messages as one batch, `BATCH_SIZE` in a transaction."""

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

    def __call__(
        self,
        items: Sequence[BatchItem],
        name: str | None,
        phone_number_id: str | None,
        numbers: tuple[str, ...] | None,
        retry: Retry | None = None,
    ) -> AddedBatch:
        """Queue messages of one number as a batch, which is created with the first queued message.

        An item that is an error is returned as it is. With `retry`, the same key of the same caller means the same
        batch: messages that an earlier request queued are found, also if it was interrupted, and the others are queued.
        Raises `Invalid` and `NotFound` about the number, and `IdempotencyMismatch`.
        """
        number = choose_number(self._directory.current, phone_number_id, numbers)
        now = self._now()
        new = _NewBatch(new_id(), name, number, retry)
        if retry is not None:
            with self._database.read() as session:
                new.found(find_batch(session, retry))
        is_replayed = new.is_there
        results: list[ItemResult] = []
        for start in range(0, len(items), BATCH_SIZE):
            results += self._add_some(items[start : start + BATCH_SIZE], start, new, now)
        if new.is_there:
            return AddedBatch(new.id, results, is_replayed)
        earlier = {each.batch_id for each in results if isinstance(each, Queued)}
        return AddedBatch(earlier.pop() if len(earlier) == 1 else None, results)

    def _add_some(self, items: Sequence[BatchItem], start: int, new: _NewBatch, now: datetime) -> list[ItemResult]:
        valid = [
            _Position(start + offset, replace(each[0], mode=Mode.QUEUED), each[1])
            for offset, each in enumerate(items)
            if not isinstance(each, GatewayError)
        ]
        results = self._record(valid, new, now)
        cleared: dict[int, _Position] = {}
        for index, result in enumerate(results):
            if isinstance(result, OptedOut):
                request = valid[index].request
                try:
                    request = self._categories.clear(request, new.number.phone_number_id, result)
                except OptedOut as refusal:
                    results[index] = refusal
                else:
                    cleared[index] = replace(valid[index], request=request)
        if cleared:
            again = self._record(list(cleared.values()), new, now)
            for index, result in zip(cleared, again, strict=True):
                results[index] = result
        remaining = iter(results)
        return [each if isinstance(each, GatewayError) else next(remaining) for each in items]

    def _record(self, items: Sequence[_Position], new: _NewBatch, now: datetime) -> list[ItemResult]:
        while True:
            given = [(each.request, each.retry or new.key_of(each.position)) for each in items]
            try:
                with self._database.write() as session:
                    state = queue.lock_batch(session, new.id) if new.is_there else "running"
                    results = record_queued(session, new.number, given, now, new.id, is_open=state != "cancelled")
                    has_new = any(isinstance(each, Queued) and not each.is_replayed for each in results)
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
            return results


@dataclass(frozen=True, slots=True)
class _Position:
    """A message of a batch: its position in the request, and its own idempotency key if it has one."""

    position: int
    request: OutboundRequest
    retry: Retry | None


class _NewBatch:
    """The batch that a request creates, or finds under its idempotency key."""

    def __init__(self, batch_id: str, name: str | None, number: BusinessNumber, retry: Retry | None) -> None:
        self.id = batch_id
        self.number = number
        self.is_there = False
        self._name = name
        self._retry = retry

    def found(self, batch_id: str | None) -> None:
        """Use a batch that an earlier request with the same key has created."""
        if batch_id is not None:
            self.id, self.is_there = batch_id, True

    def key_of(self, position: int) -> Retry | None:
        """Return the key of the message at a position, derived from the request's key; None without one."""
        return Retry(f"batch:{self.id}", str(position), "", self._retry.kept_for) if self._retry is not None else None

    def make(self, session: Session, now: datetime) -> None:
        """Insert the batch. Raises `_AnotherBatch` if a request with the same key has created one meanwhile."""
        if self._retry is not None:
            known = claim_batch(session, self._retry, self.id, now)
            if known != self.id:
                raise _AnotherBatch(known)
        number_id = self.number.phone_number_id
        session.add(
            Batch(
                id=self.id, name=self._name, phone_number_id=number_id, state="running", created_at=now, updated_at=now
            )
        )


class _AnotherBatch(Exception):
    """Rolls back a transaction because another request has used the same key at the same moment."""

    def __init__(self, batch_id: str) -> None:
        super().__init__()
        self.batch_id = batch_id

"""The deliveries that this worker has claimed: queued, running, or finished and not yet recorded.

No other list of claims exists. So only leases of deliveries that will still be attempted or recorded are renewed, and a
claim that is lost by a bug becomes free when its lease ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from enum import Enum
from functools import partial
from itertools import accumulate

from app.domain.endpoints import Endpoint
from app.jobs.fair_share import EndpointSlots
from app.services.delivering import DeliveryBatch, DeliveryResult
from app.store.deliveries import DeliveryClaim


class Pending(Enum):
    """What `begin` returns when it has begun an attempt and will call back with the result."""

    PENDING = "pending"


PENDING = Pending.PENDING
Begun = DeliveryResult | Pending | None
Done = Callable[[DeliveryResult | None], None]


class InFlight:
    """Holds deliveries from their claim until their result is recorded. Thread-safe.

    `attempt` attempts one batch in a thread of `pool`. For endpoints for which `can_begin` is true, `begin` starts the
    attempt without a thread: it returns `PENDING` and calls back later, or returns the result of a batch of which
    nothing is to be posted. Both give None as the result if they failed by a bug of ours; the batch is then dropped,
    and its lease runs out. A batch whose lease has ended before it is attempted is not, because another worker may have
    claimed it. `batch_size` is the number of deliveries that one transaction records.
    """

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        attempt: Callable[[DeliveryBatch], DeliveryResult | None],
        now: Callable[[], datetime],
        *,
        batch_size: int,
        lease_seconds: float,
        can_begin: Callable[[Endpoint], bool] = lambda endpoint: False,
        begin: Callable[[DeliveryBatch, Done], Begun] = lambda batch, done: None,
    ) -> None:
        self._pool = pool
        self._attempt = attempt
        self._now = now
        self._can_begin = can_begin
        self._begin = begin
        self._batch_size = batch_size
        self._lease_seconds = lease_seconds
        self._slots: dict[tuple[str, bool], EndpointSlots] = {}
        self._finished: list[DeliveryResult] = []
        self._lease_ends: dict[DeliveryClaim, float] = {}
        self._changed = threading.Condition()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to attempt or to record."""
        with self._changed:
            return not self._finished and not any(slots.in_flight for slots in self._slots.values())

    def slots(self, endpoint_id: str, is_replay: bool) -> EndpointSlots:
        """Return the slots of an endpoint for its new events, or for replays."""
        with self._changed:
            return self._slots.setdefault((endpoint_id, is_replay), EndpointSlots())

    def capacity(self, endpoint: Endpoint, is_replay: bool, share: int, *, may_grow: bool) -> int:
        """Set how many deliveries of an endpoint may run at once, and return how many more may be claimed."""
        with self._changed:
            return self.slots(endpoint.id, is_replay).capacity(endpoint, share, may_grow=may_grow)

    def limit_to_one(self, endpoint_id: str, is_replay: bool) -> None:
        """Let one delivery of an endpoint run at once, as for a trial of an app that was silent."""
        with self._changed:
            self.slots(endpoint_id, is_replay).limit = 1

    def count_of(self, endpoint_id: str) -> int:
        """Return how many deliveries of an endpoint are queued or running."""
        with self._changed:
            return sum(slots.in_flight for (id, _), slots in self._slots.items() if id == endpoint_id)

    def wait(self, seconds: float, linger_seconds: float) -> None:
        """Wait up to `seconds` for a result; then up to `linger_seconds` for a full batch, if more are running."""
        with self._changed:
            if not self._finished:
                self._changed.wait(seconds)
            if self._finished and any(slots.running for slots in self._slots.values()):
                self._changed.wait_for(lambda: len(self._finished) >= self._batch_size, linger_seconds)

    def add(self, batches: Sequence[DeliveryBatch], claimed_at: float) -> None:
        """Queue batches that were claimed at this monotonic time."""
        with self._changed:
            for batch in batches:
                slots = self.slots(batch.claim.endpoint_id, batch.claim.is_replay)
                slots.spend(1)
                slots.queued.append(batch)
                self._lease_ends[batch.claim] = claimed_at + self._lease_seconds

    def finish_unattempted(self, batches: Sequence[DeliveryBatch]) -> None:
        """Add these batches to the results as not attempted, so that the next recording releases their claims."""
        with self._changed:
            self._finished += [DeliveryResult(batch, self._now()) for batch in batches]

    def withdraw(self, kept: Mapping[str, Endpoint]) -> None:
        """Release queued deliveries of endpoints that are not in `kept` (by id), or that have changed since the claim.

        A changed endpoint may have another URL or another secret.
        """
        with self._changed:
            for (endpoint_id, _), slots in self._slots.items():
                endpoint = kept.get(endpoint_id)
                if slots.queued and (endpoint is None or not endpoint.is_as(slots.queued[0].endpoint)):
                    self.finish_unattempted(slots.drain())

    def start(self) -> None:
        """Begin queued deliveries, or start the threads that they may use. Called in every round of the loop."""
        with self._changed:
            queued = [(slots, slots.queued[0].endpoint) for slots in self._slots.values() if slots.queued]
        for slots, endpoint in queued:
            if self._can_begin(endpoint):
                self._begin_more(slots)
                continue
            with self._changed:
                for _ in range(slots.missing_threads):
                    slots.threads += 1
                    self._pool.submit(self._run, slots)

    def wait_for_running(self, seconds: float) -> None:
        """Wait until nothing runs any more, at most this long."""
        with self._changed:
            self._changed.wait_for(lambda: not any(slots.running for slots in self._slots.values()), seconds)

    def take_finished(self) -> list[DeliveryResult]:
        """Remove and return results, as many as one transaction should record."""
        with self._changed:
            totals = accumulate(len(result.batch.members) for result in self._finished)
            count = max(1, sum(total <= self._batch_size for total in totals))
            finished, self._finished = self._finished[:count], self._finished[count:]
        return finished

    def put_back(self, finished: list[DeliveryResult]) -> None:
        """Put results back that could not be recorded."""
        with self._changed:
            self._finished = finished + self._finished

    def forget(self, recorded: Sequence[DeliveryResult]) -> None:
        """Drop the leases of results that were recorded."""
        with self._changed:
            for result in recorded:
                self._lease_ends.pop(result.batch.claim, None)

    def claims(self) -> list[DeliveryClaim]:
        """Return the claims of all batches that are queued, running or not yet recorded."""
        with self._changed:
            held = [batch for slots in self._slots.values() for batch in (*slots.queued, *slots.running.values())]
            return [batch.claim for batch in (*held, *(result.batch for result in self._finished))]

    def renewed(self, claims: Collection[DeliveryClaim], renewed_at: float) -> None:
        """Note that the leases of these claims were extended at this monotonic time."""
        with self._changed:
            for claim in claims:
                if claim in self._lease_ends:
                    self._lease_ends[claim] = renewed_at + self._lease_seconds

    def _run(self, slots: EndpointSlots) -> None:
        """Attempt queued batches one after another until none is left. Runs in a thread of the pool."""
        while (batch := self._next(slots)) is not None:
            result: DeliveryResult | None = None
            try:
                result = self._attempt(batch)
            except BaseException:
                with self._changed:
                    slots.threads -= 1
                raise
            finally:
                self._finish(slots, batch, result)

    def _next(self, slots: EndpointSlots) -> DeliveryBatch | None:
        with self._changed:
            if slots.threads <= slots.limit and (batch := self._take(slots)) is not None:
                return batch
            slots.threads -= 1
            self._changed.notify()
            return None

    def _take(self, slots: EndpointSlots) -> DeliveryBatch | None:
        """Move the first queued batch that is still ours to those that run, and return it."""
        while slots.queued:
            batch = slots.queued.popleft()
            if time.monotonic() < self._lease_ends.get(batch.claim, 0.0):
                slots.running[batch.claim.id] = batch
                return batch
            self.finish_unattempted([batch])
        return None

    def _begin_more(self, slots: EndpointSlots) -> None:
        """Begin queued batches for as long as more may run at once. What ends later continues here.

        The endpoint may have changed since what ends now was begun: if its batches need a thread by now, they are left
        to the pool, because the poster would not send what a bot answers.
        """
        while True:
            with self._changed:
                may_begin = slots.queued and self._can_begin(slots.queued[0].endpoint)
                batch = self._take(slots) if may_begin and len(slots.running) < slots.limit else None
            if batch is None:
                return
            begun = self._begin(batch, partial(self._end, slots, batch))
            if begun is not PENDING:
                self._finish(slots, batch, begun)

    def _end(self, slots: EndpointSlots, batch: DeliveryBatch, result: DeliveryResult | None) -> None:
        self._finish(slots, batch, result)
        self._begin_more(slots)

    def _finish(self, slots: EndpointSlots, batch: DeliveryBatch, result: DeliveryResult | None) -> None:
        with self._changed:
            del slots.running[batch.claim.id]
            slots.note(result)
            if result is None:
                self._lease_ends.pop(batch.claim, None)
                self._changed.notify()
                return
            self._finished.append(result)
            if len(self._finished) in (1, self._batch_size) or not slots.running:
                self._changed.notify()  # for results in between the loop is awake already

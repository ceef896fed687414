"""The delivery loop: one thread finds, claims and records deliveries.

Plain deliveries are posted by the poster's one thread, many at once. Those to bots, which ask the database before and
after they are posted, and to Python handlers are dispatched by a pool of threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from app import clock
from app.db.database import Database
from app.domain.endpoints import Endpoint
from app.errors import Unavailable
from app.jobs.fair_share import fair_share
from app.jobs.in_flight import PENDING, Begun, Done, InFlight
from app.jobs.loops import POLL_SECONDS
from app.logs import get_logger
from app.services.delivering import (
    LEASE,
    BatchMember,
    Claimed,
    ClaimRequest,
    DeliveryBatch,
    DeliveryQueue,
    DeliveryResult,
    Dispatch,
    DueDeliveries,
)
from app.services.registries import EndpointDirectory
from app.subscribers.client import DEADLINE_SECONDS

LINGER_SECONDS = 0.015
"""How long a result waits for others, so that one transaction records several."""

BATCH_SIZE = 128
"""Deliveries that one transaction records, so that other writers wait only briefly for its lock."""

RENEW_SECONDS = 10.0
CLOSE_SECONDS = DEADLINE_SECONDS + 5.0
MAX_THREADS = 512

logger = get_logger(__name__)


class DeliverDue:
    """Delivers what is due, as much at once as `threads`, which are divided fairly between endpoints.

    Endpoints for which `serves` is false are left to other workers. Instances are called by one loop, again and again.
    """

    def __init__(
        self,
        database: Database,
        directory: EndpointDirectory,
        dispatch: Dispatch,
        now: Callable[[], datetime],
        *,
        threads: int,
        serves: Callable[[Endpoint], bool] = lambda endpoint: not endpoint.is_handler,
    ) -> None:
        self._queue = DeliveryQueue(database, directory, now)
        self._directory = directory
        self._dispatch = dispatch
        self._now = now
        self._threads = threads
        self._serves = serves
        self._pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="deliver")
        self.in_flight = InFlight(
            self._pool, self._attempt, now, batch_size=BATCH_SIZE, lease_seconds=LEASE.total_seconds(),
            can_begin=lambda endpoint: self._dispatch.can_begin(endpoint), begin=self._begin,
        )  # fmt: skip
        self._renewed_at = time.monotonic()
        self._has_unblocked = False

    def __call__(self) -> bool:
        """Do one round: record results, claim due deliveries, and start threads for them.

        Waits up to `POLL_SECONDS` itself if there is nothing to do, so it always returns True. Raises `Unavailable`;
        no result is lost then.
        """
        self.in_flight.wait(0.0 if self._has_unblocked else POLL_SECONDS, LINGER_SECONDS)
        if time.monotonic() - self._renewed_at > RENEW_SECONDS:
            self._renew()
        known = () if clock.is_too_far() else self._directory.current
        endpoints = [each for each in known if each.is_open and self._serves(each)]
        due = self._queue.find_due(list(self._requests(endpoints, self._now())), is_busy=not self.in_flight.is_empty)
        self.in_flight.withdraw({each.id: each for each in endpoints if each.health.open_until is None})
        finished = self.in_flight.take_finished()
        # Recording makes the next delivery of each contact due, so a pause before the next round would delay each one.
        self._has_unblocked = any(each.batch.endpoint.ordered for each in finished)
        if finished or due:
            claimed_at = time.monotonic()
            self._add(self._exchange(finished, due), claimed_at)
        self.in_flight.start()
        self._queue.unblock()
        return True

    def close(self) -> None:
        """Wait for running attempts, record their results, and release the claims of queued deliveries."""
        self.in_flight.withdraw({})
        self.in_flight.wait_for_running(CLOSE_SECONDS)
        self._pool.shutdown(wait=True)
        try:
            while finished := self.in_flight.take_finished():
                self._exchange(finished, [])
        except Unavailable:
            logger.warning("deliveries could not be recorded; their leases will run out")

    def _requests(self, endpoints: Sequence[Endpoint], now: datetime) -> Iterator[ClaimRequest]:
        for endpoint in endpoints:
            if endpoint.health.open_until is None:
                for is_replay in (False, True):
                    yield from self._request(endpoint, len(endpoints), is_replay=is_replay)
            elif endpoint.health.is_over(now) and not self.in_flight.count_of(endpoint.id):
                for is_replay in (False, True):
                    self.in_flight.limit_to_one(endpoint.id, is_replay)
                    yield ClaimRequest(endpoint, is_replay, 1, is_probe=True)

    def _request(self, endpoint: Endpoint, endpoints: int, *, is_replay: bool) -> Iterator[ClaimRequest]:
        share = fair_share(endpoint, self._threads, endpoints, is_replay=is_replay)
        may_grow = not is_replay and self._dispatch.can_begin(endpoint)
        capacity = self.in_flight.capacity(endpoint, is_replay, share, may_grow=may_grow)
        if capacity:
            yield ClaimRequest(endpoint, is_replay, min(capacity, BATCH_SIZE))

    def _exchange(self, finished: list[DeliveryResult], due: Sequence[DueDeliveries]) -> Claimed:
        """Record results and claim what is due. Results stay to be recorded if the database cannot be used."""
        try:
            claimed = self._queue.exchange(finished, due)
        except Exception as error:
            if isinstance(error, Unavailable) or not finished:
                self.in_flight.put_back(finished)
                raise
            logger.exception("results could not be recorded together; trying each by itself")
            self._record_each(finished)
            return []
        except BaseException:
            self.in_flight.put_back(finished)
            raise
        self.in_flight.forget(finished)
        return claimed

    def _record_each(self, finished: Sequence[DeliveryResult]) -> None:
        """Record results one by one. One that breaks is dropped, and its lease runs out; the others go on."""
        for place, result in enumerate(finished):
            try:
                self._queue.exchange([result], [])
            except Unavailable:
                self.in_flight.put_back(list(finished[place:]))
                raise
            except Exception:
                logger.exception("a result could not be recorded", extra={"event_id": result.batch.claim.event_id})
            self.in_flight.forget([result])

    def _add(self, claimed: Claimed, claimed_at: float) -> None:
        """Queue claimed deliveries. If they cannot be loaded, their claims are released with the next results."""
        try:
            batches = self._queue.load(claimed)
        except BaseException:
            for endpoint, claims in claimed:
                without_events = [DeliveryBatch(endpoint, (BatchMember(claim, None),)) for claim in claims]
                self.in_flight.finish_unattempted(without_events)
            raise
        self.in_flight.add(batches, claimed_at)

    def _attempt(self, batch: DeliveryBatch) -> DeliveryResult | None:
        try:
            return self._dispatch(batch)
        except Exception:  # a bug of ours: the lease runs out, and the delivery is attempted again
            logger.exception("a delivery could not be tried", extra={"event_id": batch.claim.event_id})
            return None

    def _begin(self, batch: DeliveryBatch, done: Done) -> Begun:
        """Begin a batch; `done` gets its result, unless it is returned because nothing is to be posted."""
        try:
            return self._dispatch.begin(batch, done) or PENDING
        except Exception:  # as in `_attempt`
            logger.exception("a delivery could not be tried", extra={"event_id": batch.claim.event_id})
            return None

    def _renew(self) -> None:
        """Extend the leases of all claims: deliveries to a slow endpoint may be queued for long."""
        claims, renewed_at = self.in_flight.claims(), time.monotonic()
        if claims:
            self.in_flight.renewed(self._queue.renew(claims), renewed_at)
        self._renewed_at = renewed_at

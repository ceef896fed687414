"""The one owner of what this worker has claimed: a queue, a thread, or the list of what is to be recorded has it.

There is no other list of claims. So a lease is renewed only for a delivery that somebody here will try or record, and a
claim that got lost on its way here, whatever the cause, is free again when its lease ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import accumulate

from app.domain.endpoints import Endpoint
from app.jobs.fair_share import Desk
from app.services.delivering.types import Tried, Work
from app.store.deliveries import Claim


class InFlight:
    """Deliveries from their claim until their outcome is recorded. Threads may share it.

    `attempt` tries one delivery and returns None when that broke: then nobody has it any more. `now` is the time of
    tries. A delivery whose lease has ended by the time a thread takes it is not tried but given back, because another
    worker may be trying it.
    """

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        attempt: Callable[[Work], Tried | None],
        now: Callable[[], datetime],
        *,
        plenty: int,
        lease_seconds: float,
    ) -> None:
        self._pool = pool
        self._attempt = attempt
        self._now = now
        self._plenty = plenty
        self._lease_seconds = lease_seconds
        self._desks: dict[tuple[str, bool], Desk] = {}
        self._done: list[Tried] = []
        self._lease_ends: dict[Claim, float] = {}
        self._changed = threading.Condition()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to try or to record."""
        with self._changed:
            return not self._done and not any(desk.in_hand for desk in self._desks.values())

    def desk(self, endpoint_id: str, is_replay: bool) -> Desk:
        """What is in hand for one endpoint, in one of its two lanes."""
        with self._changed:
            return self._desks.setdefault((endpoint_id, is_replay), Desk())

    def count_of(self, endpoint_id: str) -> int:
        """How many deliveries to an endpoint are in hand."""
        with self._changed:
            return sum(desk.in_hand for (mine, _), desk in self._desks.items() if mine == endpoint_id)

    def wait(self, seconds: float, linger_seconds: float) -> None:
        """Return when something is done, or after `seconds`; then linger while more is about to be done."""
        with self._changed:
            if not self._done:
                self._changed.wait(seconds)
            if self._done and any(desk.trying for desk in self._desks.values()):
                self._changed.wait_for(lambda: len(self._done) >= self._plenty, linger_seconds)

    def add(self, works: Sequence[Work], claimed_at: float) -> None:
        """Queue deliveries that were claimed at this monotonic time."""
        with self._changed:
            for work in works:
                desk = self.desk(work.claim.endpoint_id, work.claim.is_replay)
                desk.spend(1)
                desk.waiting.append(work)
                self._lease_ends[work.claim] = claimed_at + self._lease_seconds

    def give_back(self, works: Sequence[Work]) -> None:
        """Have deliveries recorded as not tried, so that anybody may take them at once."""
        with self._changed:
            self._done += [Tried(work, self._now()) for work in works]

    def withdraw(self, kept: Mapping[str, Endpoint]) -> None:
        """Give back what waits for other endpoints than these, by their ids, or was claimed before one was changed.

        That goes to another URL, or with another secret.
        """
        with self._changed:
            for (endpoint_id, _), desk in self._desks.items():
                endpoint = kept.get(endpoint_id)
                if desk.waiting and (endpoint is None or not endpoint.is_as(desk.waiting[0].endpoint)):
                    self.give_back(desk.clear())

    def set_going(self) -> None:
        """Start the threads that what waits may have. Called every round, so that nothing waits for no thread."""
        with self._changed:
            for desk in self._desks.values():
                for _ in range(desk.wanted_threads):
                    desk.threads += 1
                    self._pool.submit(self._run, desk)

    def take_done(self) -> list[Tried]:
        """Take away what is to be recorded, as much as one transaction should write."""
        with self._changed:
            deliveries = accumulate(1 + len(tried.work.others) for tried in self._done)
            count = max(1, sum(total <= self._plenty for total in deliveries))
            done, self._done = self._done[:count], self._done[count:]
        return done

    def put_back_done(self, done: list[Tried]) -> None:
        """Put what could not be recorded back, to be recorded later."""
        with self._changed:
            self._done = done + self._done

    def forget(self, done: Sequence[Tried]) -> None:
        """What was recorded is nobody's any more."""
        with self._changed:
            for tried in done:
                self._lease_ends.pop(tried.work.claim, None)

    def claims(self) -> list[Claim]:
        """Every claim that is in hand: of what waits, what is being tried, and what is to be recorded."""
        with self._changed:
            desks = self._desks.values()
            works = [work for desk in desks for work in (*desk.waiting, *desk.trying)]
            return [work.claim for work in (*works, *(tried.work for tried in self._done))]

    def renewed(self, claims: Collection[Claim], renewed_at: float) -> None:
        """Note that these leases, and no others, were lengthened at this monotonic time."""
        with self._changed:
            for claim in claims:
                if claim in self._lease_ends:
                    self._lease_ends[claim] = renewed_at + self._lease_seconds

    def _run(self, desk: Desk) -> None:
        """Try what waits at a desk, one after another, until nothing does."""
        while (work := self._next(desk)) is not None:
            tried: Tried | None = None
            try:
                tried = self._attempt(work)
            except BaseException:
                with self._changed:
                    desk.threads -= 1
                raise
            finally:
                self._note(desk, work, tried)

    def _next(self, desk: Desk) -> Work | None:
        with self._changed:
            while desk.waiting and desk.threads <= desk.share:
                work = desk.waiting.popleft()
                if time.monotonic() < self._lease_ends.get(work.claim, 0.0):
                    desk.trying.append(work)
                    return work
                self.give_back([work])
            desk.threads -= 1
            self._changed.notify()
            return None

    def _note(self, desk: Desk, work: Work, tried: Tried | None) -> None:
        with self._changed:
            desk.trying.remove(work)
            desk.note(tried)
            if tried is None:
                self._lease_ends.pop(work.claim, None)
                return
            self._done.append(tried)
            if len(self._done) in (1, self._plenty):  # what comes between finds it awake
                self._changed.notify()

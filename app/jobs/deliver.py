"""The delivery lane: one thread that looks, claims and writes, and a pool that posts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from app import clock
from app.db.database import Database
from app.domain.endpoints import Endpoint
from app.errors import Unavailable
from app.jobs.fair_share import share_of
from app.jobs.in_flight import InFlight
from app.jobs.loops import POLL_SECONDS
from app.logs import get_logger
from app.services.delivering import claim as claiming
from app.services.delivering import record_results
from app.services.delivering.claim import LEASE
from app.services.delivering.types import Tried, Wanted, Work
from app.services.delivering.unblock import Waking
from app.services.registries.endpoints import EndpointDirectory
from app.store import deliveries
from app.store.deliveries import Claim

LINGER_SECONDS = 0.015
"""How long what is done waits for more, so that one commit does for many."""

MOST_AT_ONCE = 128
"""What one transaction writes, well within the time that others can wait for it."""

RENEW_SECONDS = 10.0
MOST_THREADS = 512

logger = get_logger(__name__)


class DeliverDue:
    """Delivers what is due, `threads` at a time, shared fairly between endpoints. Called by its lane over and over.

    Endpoints that it does not serve are left to other workers.
    """

    def __init__(
        self,
        database: Database,
        directory: EndpointDirectory,
        post: Callable[[Work], Tried],
        now: Callable[[], datetime],
        *,
        threads: int,
        serves: Callable[[Endpoint], bool] = lambda endpoint: not endpoint.is_handler,
    ) -> None:
        self._database = database
        self._directory = directory
        self._post = post
        self._now = now
        self._threads = threads
        self._serves = serves
        self._pool = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="deliver")
        self.in_flight = InFlight(
            self._pool, self._try, now, plenty=MOST_AT_ONCE, lease_seconds=LEASE.total_seconds()
        )  # fmt: skip
        self._renewed_at = time.monotonic()
        self._has_released = False
        self._waking = Waking(database, now)
        self._record = record_results.Recorder(self._waking)

    def __call__(self) -> bool:
        """Do one round: write what is done, claim what is due, hand it out. Raises `Unavailable`, and loses nothing.

        Waits for a moment when there is nothing to do; so there is never a reason to pause.
        """
        self.in_flight.wait(0.0 if self._has_released else POLL_SECONDS, LINGER_SECONDS)
        if time.monotonic() - self._renewed_at > RENEW_SECONDS:
            self._renew()
        now = self._now()
        known = () if clock.is_too_far() else self._directory.current
        endpoints = [each for each in known if each.is_open and self._serves(each)]
        found = claiming.look(self._database, list(self._wanted(endpoints, now)), now)
        self.in_flight.withdraw({each.id: each for each in endpoints if each.health.open_until is None})
        done = self.in_flight.take_done()
        # What comes next of a contact became due with that: to wait for the next look would add up along its messages.
        self._has_released = any(each.work.endpoint.ordered for each in done)
        if done or found:
            claimed_at = time.monotonic()
            self._hand_out(self._write(done, found), claimed_at)
        self.in_flight.set_going()
        self._waking.work()
        return True

    def close(self) -> None:
        """Let what is being posted end, write what became of it, and give back the rest."""
        self.in_flight.withdraw({})
        self._pool.shutdown(wait=True)
        try:
            while done := self.in_flight.take_done():
                self._write(done, claiming.Found())
        except Unavailable:
            logger.warning("deliveries could not be recorded; their leases will run out")

    def _wanted(self, endpoints: Sequence[Endpoint], now: datetime) -> Iterator[Wanted]:
        for endpoint in endpoints:
            if endpoint.health.open_until is None:
                for is_replay in (False, True):
                    yield from self._room(endpoint, len(endpoints), is_replay=is_replay)
            elif endpoint.health.is_over(now) and not self.in_flight.count_of(endpoint.id):
                for is_replay in (False, True):
                    self.in_flight.desk(endpoint.id, is_replay).share = 1
                    yield Wanted(endpoint, is_replay, 1, is_probe=True)

    def _room(self, endpoint: Endpoint, endpoints: int, *, is_replay: bool) -> Iterator[Wanted]:
        share = share_of(endpoint, self._threads, endpoints, is_replay=is_replay)
        room = self.in_flight.desk(endpoint.id, is_replay).room(endpoint, share)
        if room:
            yield Wanted(endpoint, is_replay, min(room, MOST_AT_ONCE))

    def _write(self, done: list[Tried], found: claiming.Found) -> list[tuple[Wanted, list[Claim]]]:
        now = self._now()
        try:
            with self._database.write() as session:
                changed = self._record(session, done, now) if done else set()
                claimed = claiming.claim(session, found, now, changed)
        except BaseException:
            self.in_flight.put_back_done(done)
            raise
        self.in_flight.forget(done)
        record_results.count(done)
        if changed or any(wanted.is_probe for wanted, _ in claimed):
            self._directory.forget()
        return claimed

    def _hand_out(self, claimed: list[tuple[Wanted, list[Claim]]], claimed_at: float) -> None:
        """Queue what was claimed. What cannot be loaded is given back with the next thing that is recorded."""
        try:
            works = claiming.load(self._database, claimed)
        except BaseException:
            bare = [Work(claim, wanted.endpoint, None) for wanted, some in claimed for claim in some]
            self.in_flight.give_back(bare)
            raise
        self.in_flight.add(works, claimed_at)

    def _try(self, work: Work) -> Tried | None:
        try:
            return self._post(work)
        except Exception:  # a mistake of ours; the lease will run out, and somebody try again
            logger.exception("a delivery could not be tried", extra={"event_id": work.claim.event_id})
            return None

    def _renew(self) -> None:
        """Lengthen the leases of all that is in hand: some endpoints are slow, and many deliveries wait for them."""
        claims, renewed_at = self.in_flight.claims(), time.monotonic()
        if claims:
            with self._database.write() as session:
                kept = deliveries.renew(session, claims, self._now() + LEASE)
            self.in_flight.renewed(kept, renewed_at)
        self._renewed_at = renewed_at

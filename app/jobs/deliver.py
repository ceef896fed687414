"""The delivery lane: one thread that looks, claims and writes, and a pool that posts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import accumulate

from app.database import Database
from app.domain.endpoints import Endpoint
from app.jobs.lanes import LOOK_SECONDS
from app.jobs.shares import Desk, share_of
from app.logs import get_logger
from app.services.delivering import claiming, recording
from app.services.delivering.claiming import LEASE
from app.services.delivering.work import Tried, Wanted, Work
from app.services.endpoint_directory import EndpointDirectory
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
        self._desks: dict[tuple[str, bool], Desk] = {}
        self._done: list[Tried] = []
        self._held: dict[int, Claim] = {}
        self._changed = threading.Condition()
        self._renewed_at = time.monotonic()

    def __call__(self) -> bool:
        """Do one round: write what is done, claim what is due, hand it out. Raises `Unavailable`, and loses nothing.

        Waits for a moment when there is nothing to do; so there is never a reason to pause.
        """
        self._wait()
        now = self._now()
        endpoints = [each for each in self._directory.current if each.is_open and self._serves(each)]
        found = claiming.look(self._database, list(self._wanted(endpoints, now)), now)
        self._withdraw(endpoints)
        done = self._take_done()
        if done or found:
            self._hand_out(self._write(done, found))
        if time.monotonic() - self._renewed_at > RENEW_SECONDS:
            self._renew()
        return True

    def close(self) -> None:
        """Let what is being posted end, write what became of it, and give back the rest."""
        self._withdraw(())
        self._pool.shutdown(wait=True)
        while done := self._take_done():
            self._write(done, claiming.Found())

    def _wait(self) -> None:
        with self._changed:
            if not self._done:
                self._changed.wait(LOOK_SECONDS)
            if self._done and any(desk.running for desk in self._desks.values()):
                self._changed.wait_for(lambda: len(self._done) >= MOST_AT_ONCE, LINGER_SECONDS)

    def _wanted(self, endpoints: Sequence[Endpoint], now: datetime) -> Iterator[Wanted]:
        with self._changed:
            for endpoint in endpoints:
                if endpoint.health.open_until is None:
                    for is_replay in (False, True):
                        yield from self._room(endpoint, len(endpoints), is_replay=is_replay)
                elif endpoint.health.open_until <= now and not self._in_hand(endpoint):
                    for is_replay in (False, True):
                        self._desk(endpoint.id, is_replay).share = 1
                        yield Wanted(endpoint, is_replay, 1, is_probe=True)

    def _withdraw(self, endpoints: Sequence[Endpoint]) -> None:
        """Take back what waits for endpoints that are to be left alone by now: all but these, and the unwell."""
        well = {endpoint.id for endpoint in endpoints if endpoint.health.open_until is None}
        with self._changed:
            for (endpoint_id, _), desk in self._desks.items():
                if endpoint_id not in well:
                    self._done += [Tried(work, self._now()) for work in desk.clear()]

    def _room(self, endpoint: Endpoint, endpoints: int, *, is_replay: bool) -> Iterator[Wanted]:
        share = share_of(endpoint, self._threads, endpoints, is_replay=is_replay)
        room = self._desk(endpoint.id, is_replay).room(endpoint, share)
        if room:
            yield Wanted(endpoint, is_replay, min(room, MOST_AT_ONCE))

    def _desk(self, endpoint_id: str, is_replay: bool) -> Desk:
        return self._desks.setdefault((endpoint_id, is_replay), Desk())

    def _in_hand(self, endpoint: Endpoint) -> int:
        return sum(desk.in_hand for (endpoint_id, _), desk in self._desks.items() if endpoint_id == endpoint.id)

    def _take_done(self) -> list[Tried]:
        with self._changed:
            deliveries_ = accumulate(1 + len(tried.work.others) for tried in self._done)
            count = max(1, sum(total <= MOST_AT_ONCE for total in deliveries_))
            done, self._done = self._done[:count], self._done[count:]
        return done

    def _write(self, done: list[Tried], found: claiming.Found) -> list[tuple[Wanted, list[Claim]]]:
        now = self._now()
        try:
            with self._database.write() as session:
                changed = recording.record(session, done, now) if done else set()
                claimed = claiming.claim(session, found, now, changed)
        except Exception:
            with self._changed:
                self._done = done + self._done
            raise
        for tried in done:
            self._held.pop(tried.work.claim.id, None)
        self._held |= {claim.id: claim for _, claims in claimed for claim in claims}
        recording.count(done)
        if changed or any(wanted.is_probe for wanted, _ in claimed):
            self._directory.forget()
        return claimed

    def _hand_out(self, claimed: list[tuple[Wanted, list[Claim]]]) -> None:
        for work in claiming.load(self._database, claimed):
            with self._changed:
                desk = self._desk(work.claim.endpoint_id, work.claim.is_replay)
                desk.spend(1)
                desk.waiting.append(work)
                if desk.running < desk.share:
                    desk.running += 1
                    self._pool.submit(self._run, desk)

    def _run(self, desk: Desk) -> None:
        """Post what waits at a desk, one after another, until nothing does."""
        while True:
            with self._changed:
                if not desk.waiting or desk.running > desk.share:
                    desk.running -= 1
                    self._changed.notify()
                    return
                work = desk.waiting.popleft()
            tried = self._try(work)
            with self._changed:
                desk.note(tried)
                if tried is not None:
                    self._done.append(tried)
                    if len(self._done) in (1, MOST_AT_ONCE):  # what comes between finds it awake
                        self._changed.notify()

    def _try(self, work: Work) -> Tried | None:
        try:
            return self._post(work)
        except Exception:  # a mistake of ours; the lease will run out, and somebody try again
            logger.exception("a delivery could not be tried", extra={"event_id": work.claim.event_id})
            self._held.pop(work.claim.id, None)
            return None

    def _renew(self) -> None:
        """Lengthen the leases of all that is in hand: some endpoints are slow, and many deliveries wait for them."""
        claims = list(self._held.values())
        if claims:
            with self._database.write() as session:
                deliveries.renew(session, claims, self._now() + LEASE)
        self._renewed_at = time.monotonic()

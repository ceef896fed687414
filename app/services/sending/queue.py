"""Work the queue off: give turns to what waits, and record what became of what left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.db.batch_size import ChunkSize
from app.db.database import Database
from app.domain.numbers import BusinessNumber
from app.errors import Unavailable
from app.logs import get_logger
from app.services.registries.numbers import NumberDirectory
from app.services.sending import dequeue, record_results
from app.services.sending.dequeue import Departure, Leaving
from app.services.sending.record_results import Arrival
from app.store import events, queue
from app.store.rate_limits import HeldPaces

logger = get_logger(__name__)


class SendQueue:
    """The queue as a worker sees it. `exchange` is called again and again; several workers may, at the same time."""

    def __init__(
        self,
        database: Database,
        directory: NumberDirectory,
        now: Callable[[], datetime],
        is_known: Callable[[Session], bool] = lambda session: True,
    ) -> None:
        """`is_known` says whether the database still is the one that this worker knows; in another nothing leaves."""
        self._database = database
        self._directory = directory
        self._now = now
        self._chunk_size = ChunkSize(is_sqlite=database.is_sqlite)
        self._is_known = is_known
        self._served: dict[str, float] = {}
        self._in_doubt: list[tuple[Leaving, datetime]] = []

    @property
    def is_in_doubt(self) -> bool:
        """Whether a commit that let messages leave was not seen: the next `exchange` queues them again."""
        return bool(self._in_doubt)

    @property
    def at_once(self) -> int:
        """How many answers to give to one `exchange`, and how many may leave in it: so many keep it short."""
        return self._chunk_size.value

    def has_due(self) -> bool:
        """Whether anything may be waiting for a turn. Takes no lock."""
        return queue.any_due(self._database, self._now())

    def exchange(self, arrivals: Sequence[Arrival], free: int) -> list[Departure]:
        """Record what came back, and let at most `free` messages leave, in one transaction.

        Both of `at_once` at most. Raises `Unavailable`; then the arrivals must be given again, and nothing leaves: what
        was let go in a transaction that was committed after all comes back with the next exchange.
        """
        leaving: list[tuple[Leaving, datetime]] = []
        try:
            self._in_transaction(arrivals, free, leaving)
        except Unavailable:
            self._in_doubt += leaving
            raise
        self._in_doubt = []
        if leaving:
            logger.debug("messages leave the queue", extra={"count": len(leaving)})
        return [each.departure() for each, _ in leaving]

    def _in_transaction(
        self, arrivals: Sequence[Arrival], free: int, leaving: list[tuple[Leaving, datetime]]
    ) -> None:
        # Who was served last comes last: one that sends all day is never ahead of one that has something to say now.
        numbers = sorted(self._directory.current.numbers.values(), key=self._served_at)
        with self._database.write() as session:
            events.take_turn(session)
            started = time.perf_counter()
            now = self._now()  # not before: the wait for the lock may be longer than a turn
            held = HeldPaces(session, now)
            dequeue.take_back(session, self._in_doubt, now)
            if arrivals:
                record_results.record(session, arrivals, held, now)
            most = min(free, self.at_once) if not free or self._is_known(session) else 0
            for number in numbers:
                if len(leaving) >= most:
                    break
                theirs = dequeue.leave(session, number, held, most - len(leaving), now)
                if theirs:
                    leaving += [(each, now) for each in theirs]
                    self._served[number.phone_number_id] = time.monotonic()
            held.keep()
        self._chunk_size.note(time.perf_counter() - started, max(len(arrivals), len(leaving)))

    def _served_at(self, number: BusinessNumber) -> float:
        return self._served.get(number.phone_number_id, 0.0)

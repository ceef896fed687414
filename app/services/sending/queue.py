"""Work the queue off: give turns to what waits, and record what became of what left."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache

from app.database import Database
from app.logs import get_logger
from app.models import NumberPace
from app.services.chunk_size import ChunkSize
from app.services.number_directory import NumberDirectory
from app.services.sending import arriving, departing
from app.services.sending.arriving import Arrival
from app.services.sending.departing import Departure, Leaving
from app.store import events, paces, queue

logger = get_logger(__name__)


class SendQueue:
    """The queue as a worker sees it. `exchange` is called again and again; several workers may, at the same time."""

    def __init__(self, database: Database, directory: NumberDirectory, now: Callable[[], datetime]) -> None:
        self._database = database
        self._directory = directory
        self._now = now
        self._chunk_size = ChunkSize(is_sqlite=database.is_sqlite)

    @property
    def at_once(self) -> int:
        """How many answers to give to one `exchange`, and how many may leave in it: so many keep it short."""
        return self._chunk_size.value

    def has_due(self) -> bool:
        """Whether anything may be waiting for a turn. Takes no lock."""
        with self._database.read() as session:
            return queue.any_due(session, self._now())

    def exchange(self, arrivals: Sequence[Arrival], free: int) -> list[Departure]:
        """Record what came back, and let at most `free` messages leave, in one transaction.

        Both of `at_once` at most. Raises `Unavailable`; then nothing of it happened, and the arrivals must be given
        again.
        """
        numbers = list(self._directory.current.numbers.values())
        random.shuffle(numbers)
        leaving: list[Leaving] = []
        with self._database.write() as session:
            events.take_turn(session)
            started = time.perf_counter()
            now = self._now()  # not before: the wait for the lock may be longer than a turn

            @cache
            def pace_of(phone_number_id: str) -> NumberPace:
                return paces.lock(session, phone_number_id, now)

            if arrivals:
                arriving.record(session, arrivals, pace_of, now)
            left = most = min(free, self.at_once)
            for place, number in enumerate(numbers):
                if left <= 0:
                    break
                fair = max(1, left // (len(numbers) - place)) if len(numbers) > 1 else left
                leaving += departing.leave(session, number, pace_of, fair if place else max(fair, left // 2), now)
                left = most - len(leaving)
        self._chunk_size.note(time.perf_counter() - started, max(len(arrivals), len(leaving)))
        if leaving:
            logger.debug("messages leave the queue", extra={"count": len(leaving)})
        return [each.departure() for each in leaving]

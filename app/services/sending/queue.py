"""Work off the queue of sends: dequeue due sends and record the outcomes of earlier ones, in one transaction."""

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
from app.services.registries import NumberDirectory
from app.services.sending import record_results
from app.services.sending.dequeue import DueSend, dequeue, restore
from app.services.sending.record_results import SendOutcome
from app.store import events, queue
from app.store.limiters import LockedLimiters

logger = get_logger(__name__)


class SendQueue:
    """The queue as one worker uses it; any number of workers may do so at the same time."""

    def __init__(
        self,
        database: Database,
        directory: NumberDirectory,
        now: Callable[[], datetime],
        is_known: Callable[[Session], bool] = lambda session: True,
    ) -> None:
        """`is_known` tells whether the database is still the one this worker started with; if not, nothing is sent."""
        self._database = database
        self._directory = directory
        self._now = now
        self._chunk_size = ChunkSize(is_sqlite=database.is_sqlite)
        self._is_known = is_known
        self._served: dict[str, float] = {}
        self._unconfirmed: list[DueSend] = []

    @property
    def has_unconfirmed(self) -> bool:
        """Whether a commit failed that may have succeeded; the next `exchange` queues its sends again."""
        return bool(self._unconfirmed)

    @property
    def batch_size(self) -> int:
        """How many outcomes one `exchange` may record, and how many sends it may dequeue, to stay a short write."""
        return self._chunk_size.value

    def has_due(self) -> bool:
        """Whether any send is due. Takes no lock. Raises `Unavailable`."""
        return queue.any_due(self._database, self._now())

    def exchange(self, outcomes: Sequence[SendOutcome], capacity: int) -> list[DueSend]:
        """Record outcomes and dequeue at most `capacity` due sends in one transaction; return the dequeued sends.

        Accepts at most `batch_size` outcomes. Raises `Unavailable`; then the caller passes the same outcomes again.
        Sends whose commit succeeded although an error came back are queued again by the next call.
        """
        dequeued: list[DueSend] = []
        try:
            self._in_transaction(outcomes, capacity, dequeued)
        except Unavailable:
            self._unconfirmed += dequeued
            raise
        self._unconfirmed = []
        record_results.count(outcomes)
        if dequeued:
            logger.debug("messages leave the queue", extra={"count": len(dequeued)})
        return dequeued

    def _in_transaction(self, outcomes: Sequence[SendOutcome], capacity: int, dequeued: list[DueSend]) -> None:
        # The number served longest ago comes first, so that a number with a long queue does not delay the others.
        numbers = sorted(self._directory.current.numbers.values(), key=self._served_at)
        with self._database.write() as session:
            events.take_turn(session)
            started = time.thread_time()
            now = self._now()  # read here, since waiting for the lock may take longer than a slot lasts
            locked = LockedLimiters(session, now)
            restore(session, self._unconfirmed, now)
            if outcomes:
                record_results.record(session, outcomes, locked, now)
            limit = min(capacity, self.batch_size) if not capacity or self._is_known(session) else 0
            for number in numbers:
                if len(dequeued) >= limit:
                    break
                found = dequeue(session, number, locked, limit - len(dequeued), now)
                if found:
                    dequeued += found
                    self._served[number.phone_number_id] = time.monotonic()
            locked.save()
        self._chunk_size.note(time.thread_time() - started, max(len(outcomes), len(dequeued)))

    def _served_at(self, number: BusinessNumber) -> float:
        return self._served.get(number.phone_number_id, 0.0)

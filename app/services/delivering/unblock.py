"""Bringing forward what waits for an endpoint: it answers again, or was changed, or a person says so."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime

from app.db.database import Database
from app.store import deliveries

PORTION = 200
"""How many a transaction, which holds the write lock."""


class Waking:
    """Makes due what was found to be deliverable again, a portion each time. For one lane of a worker.

    A worker that stops in between loses nothing: each delivery has a time of its own.
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._asked: dict[str, bool] = {}
        self._ids: deque[int] = deque()

    def ask(self, endpoint_id: str, *, refused: bool) -> None:
        """Bring forward what failed because of the app; with `refused` also events that it did not take."""
        self._asked[endpoint_id] = self._asked.get(endpoint_id, False) or refused

    def work(self) -> bool:
        """Do a portion; return whether there was anything to do. Raises `Unavailable`."""
        if self._asked:
            endpoint_id, refused = next(iter(self._asked.items()))
            with self._database.read() as session:
                self._ids += deliveries.waiting(session, endpoint_id, refused=refused)
            del self._asked[endpoint_id]
        if not self._ids:
            return False
        portion = [self._ids[place] for place in range(min(PORTION, len(self._ids)))]
        with self._database.write() as session:
            deliveries.wake(session, portion, self._now())
        for _ in portion:
            self._ids.popleft()
        return True


def wake_all(database: Database, endpoint_id: str, now: Callable[[], datetime]) -> int:
    """Make everything due that waits for an endpoint's next try; return how many that were. Raises `Unavailable`."""
    with database.read() as session:
        ids = deliveries.waiting(session, endpoint_id, refused=True)
    for start in range(0, len(ids), PORTION):
        with database.write() as session:
            deliveries.wake(session, ids[start : start + PORTION], now())
    return len(ids)

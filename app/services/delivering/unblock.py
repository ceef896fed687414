"""Make deliveries that await a retry due now: their endpoint answers again, or was changed, or an operator asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime

from app.db.database import Database
from app.store import delivery_retries

BATCH_SIZE = 200
"""Deliveries that one transaction changes, because it holds the write lock."""


class Unblocker:
    """Unblocks the deliveries of endpoints on request, a batch per call. Used by the delivery loop only.

    A worker that stops in between loses nothing: every delivery still has its own retry time.
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._requested: dict[str, bool] = {}
        self._ids: deque[int] = deque()

    def request(self, endpoint_id: str, *, refused: bool) -> None:
        """Unblock what failed because of the app; with `refused` also the events that the app did not accept."""
        self._requested[endpoint_id] = self._requested.get(endpoint_id, False) or refused

    def work(self) -> bool:
        """Unblock one batch. Returns whether there was anything to do. Raises `Unavailable`, and loses no request."""
        if self._requested:
            endpoint_id, refused = next(iter(self._requested.items()))
            with self._database.read() as session:
                self._ids += delivery_retries.awaiting_retry(session, endpoint_id, refused=refused)
            del self._requested[endpoint_id]
        if not self._ids:
            return False
        batch = [self._ids[place] for place in range(min(BATCH_SIZE, len(self._ids)))]
        with self._database.write() as session:
            delivery_retries.unblock(session, batch, self._now())
        for _ in batch:
            self._ids.popleft()
        return True


def unblock_endpoint(database: Database, endpoint_id: str, now: Callable[[], datetime]) -> int:
    """Make all deliveries of an endpoint that await a retry due now. Return their number. Raises `Unavailable`."""
    with database.read() as session:
        ids = delivery_retries.awaiting_retry(session, endpoint_id, refused=True)
    for start in range(0, len(ids), BATCH_SIZE):
        with database.write() as session:
            delivery_retries.unblock(session, ids[start : start + BATCH_SIZE], now())
    return len(ids)

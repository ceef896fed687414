"""A role that any process may have and one has: a row of the database, renewed while its holder lives."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from app.db.database import Database
from app.ids import new_id
from app.store import upkeep

SECONDS = 6.0
"""How long a lease lasts after its holder was killed; then any other process takes it."""

RENEW_SECONDS = 1.5


class Lease:
    """This process's part in one lease. For one thread; every method raises `Unavailable`."""

    def __init__(self, database: Database, name: str, now: Callable[[], datetime]) -> None:
        self._database = database
        self._name = name
        self._now = now
        self._holder = new_id()
        self._renewed_at: float | None = None
        self._is_begun = False

    @property
    def is_held(self) -> bool:
        """Whether this process has the lease, as far as it knows."""
        return self._renewed_at is not None and time.monotonic() - self._renewed_at < SECONDS

    @property
    def is_to_renew(self) -> bool:
        """Whether `hold` would ask the database."""
        return self._renewed_at is None or time.monotonic() - self._renewed_at > RENEW_SECONDS

    def is_free(self) -> bool:
        """Whether nobody else holds it now. Takes no lock."""
        return self.is_held or not is_alive(self._database, self._name, self._now())

    def hold(self) -> bool:
        """Take the lease, or renew it when that is due; return whether this process has it."""
        if not self.is_to_renew:
            return True
        asked_at, now = time.monotonic(), self._now()
        with self._database.write() as session:
            before = now - timedelta(seconds=SECONDS)
            if not self._is_begun:
                upkeep.begin(session, self._name, before - timedelta(seconds=1))
            is_ours = upkeep.hold(session, self._name, self._holder, now, before)
        self._is_begun = True
        self._renewed_at = asked_at if is_ours else None
        return is_ours

    def let_go(self) -> None:
        """Give it back, so that another process may take it at once."""
        if self._renewed_at is not None:
            self._renewed_at = None
            with self._database.write() as session:
                upkeep.let_go(session, self._name, self._holder, self._now() - timedelta(seconds=SECONDS))


def is_alive(database: Database, name: str, now: datetime) -> bool:
    """Whether some process holds a lease. Raises `Unavailable`."""
    at = upkeep.last_at(database, name)
    return at is not None and at > now - timedelta(seconds=SECONDS)

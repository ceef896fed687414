"""The common version of the registries (endpoints, numbers, API keys), which each process keeps in memory.

A process uses the version that it read for `VERSION_LIFETIME_SECONDS` and then reads it again. A change is answered
only after that time, when no process uses the earlier state any more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from app.db.database import Database
from app.errors import Unavailable
from app.store import registry

VERSION_LIFETIME_SECONDS = 0.05
"""How long a version is used without reading it again. Each change takes so much longer; changes are rare."""

WAIT_SECONDS = 0.5
"""How long a thread waits for another one that reads the version. It takes so long only if the database is slow."""


@contextmanager
def changing(database: Database) -> Iterator[Session]:
    """A transaction that changes a registry: `Database.write`, and a wait until all processes read it again."""
    with database.write() as session:
        yield session
    time.sleep(VERSION_LIFETIME_SECONDS)


class Registry:
    """Caches the version of the registries. All registries of a process share one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version: int | None = None
        self._asked_at = 0.0
        self._mutex = threading.Lock()

    def version(self) -> int:
        """Return the version, read at most `VERSION_LIFETIME_SECONDS` ago.

        While the database is away this is the last known version, since nothing can change then. Raises `Unavailable`
        if no version was ever read.
        """
        if self._version is not None and time.monotonic() - self._asked_at < VERSION_LIFETIME_SECONDS:
            return self._version
        if not self._mutex.acquire(timeout=WAIT_SECONDS):
            return self._last_known()
        try:
            if self._version is None or time.monotonic() - self._asked_at >= VERSION_LIFETIME_SECONDS:
                self._ask()
        finally:
            self._mutex.release()
        return self._last_known()

    def _ask(self) -> None:
        asked_at = time.monotonic()  # before the answer, so that the next read finds a change made meanwhile
        try:
            self._version = registry.look_version(self._database)
            self._asked_at = asked_at
        except Unavailable:
            self._asked_at = time.monotonic()  # so that waiting threads do not each wait for the database
            if self._version is None:
                raise

    def _last_known(self) -> int:
        if self._version is None:
            raise Unavailable
        return self._version

"""Keeping registries (endpoints, numbers, API keys) in memory, although a change counts once it was answered.

A process believes the version that it read for `BELIEVED_SECONDS` and then asks again. Whoever changes something
answers only after that time: then no process goes by what was there before.
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

BELIEVED_SECONDS = 0.05
"""How long a version is believed, and so how much longer a change takes: rare, and by a person."""

WAIT_SECONDS = 0.5
"""How long a thread waits for another that asks the database, which then is unwell."""


@contextmanager
def changing(database: Database) -> Iterator[Session]:
    """A transaction that changes a registry: as `Database.write`, but ends when all processes know of the change."""
    with database.write() as session:
        yield session
    time.sleep(BELIEVED_SECONDS)


class Registry:
    """The version of the registries that this process goes by. Shared by everything that keeps one in memory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version: int | None = None
        self._asked_at = 0.0
        self._mutex = threading.Lock()

    def version(self) -> int:
        """The version, at most `BELIEVED_SECONDS` old.

        While the database is away it is the last one that was known: then nobody changes anything. Raises `Unavailable`
        when none was ever known.
        """
        if self._version is not None and time.monotonic() - self._asked_at < BELIEVED_SECONDS:
            return self._version
        if not self._mutex.acquire(timeout=WAIT_SECONDS):
            return self._last_known()
        try:
            if self._version is None or time.monotonic() - self._asked_at >= BELIEVED_SECONDS:
                self._ask()
        finally:
            self._mutex.release()
        return self._last_known()

    def _ask(self) -> None:
        asked_at = time.monotonic()  # before the answer: what changes meanwhile is to be found by the next question
        try:
            self._version = registry.look_version(self._database)
            self._asked_at = asked_at
        except Unavailable:
            self._asked_at = time.monotonic()  # those who wait need not each wait for the database, too
            if self._version is None:
                raise

    def _last_known(self) -> int:
        if self._version is None:
            raise Unavailable
        return self._version

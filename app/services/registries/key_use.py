"""Record when each API key was last used, without a write for each request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from app.db.database import Database
from app.errors import Unavailable
from app.store import key_use

WRITE_EVERY = timedelta(seconds=10)
"""How often a process writes the use of a key. The stored time may be so much too early."""

PAUSE_AFTER_ERROR = timedelta(minutes=1)
"""How long a process does not write after an error, since the request waits for each write."""


class RecordKeyUse:
    """Records uses of keys. One object per process; called for each authenticated request."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._written: dict[tuple[str, str], datetime] = {}

    def __call__(self, key_name: str, face: str) -> None:
        """Record that a key was used through `api` or `graph`. Does not raise `Unavailable`."""
        now = self._now()
        written = self._written.get((key_name, face))
        if written is not None and now - written < WRITE_EVERY:
            return
        self._written[key_name, face] = now  # before the write, so that no other request writes it too
        try:
            with self._database.write() as session:
                key_use.save(session, key_name, face, now)
        except Unavailable:
            self._written[key_name, face] = now + PAUSE_AFTER_ERROR - WRITE_EVERY

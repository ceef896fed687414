"""Remembering when each API key was last used, without a write for each request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from app.db.database import Database
from app.errors import Unavailable
from app.store import key_use

WRITE_EVERY = timedelta(seconds=10)
"""How often a process writes that a key is in use: what is kept is at most so much too early."""

PAUSE_AFTER_TROUBLE = timedelta(minutes=1)
"""How long a process leaves a database alone that did not take it, since the request in hand waits for each try."""


class RecordKeyUse:
    """Called with every request that a key was found for. One a process."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._written: dict[tuple[str, str], datetime] = {}

    def __call__(self, key_name: str, face: str) -> None:
        """Note that a key was used on the face `api` or `graph`. Never raises for a database that is away."""
        now = self._now()
        written = self._written.get((key_name, face))
        if written is not None and now - written < WRITE_EVERY:
            return
        self._written[key_name, face] = now  # before it is written, so that nobody else waits for that too
        try:
            with self._database.write() as session:
                key_use.save(session, key_name, face, now)
        except Unavailable:
            self._written[key_name, face] = now + PAUSE_AFTER_TROUBLE - WRITE_EVERY

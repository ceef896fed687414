"""Count webhooks that were refused because none of our app secrets signed them, by the number they are about.

A wrong app secret refuses every webhook, and nothing else would show it, because refused bodies are not stored.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from app.db.database import Database
from app.domain.numbers import Directory
from app.errors import Unavailable
from app.store import traffic

WRITE_EVERY = timedelta(seconds=10)
"""Interval between writes of a process's counts. Anybody may post forged webhooks, so each must stay cheap."""

_READ_BYTES = 65_536
_NUMBER = re.compile(rb'"phone_number_id"\s*:\s*"([0-9]{5,20})"')


class NoteBadSignatures:
    """Counts refused webhooks by the phone number id that they claim to be about. One instance per process."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._counted: Counter[str] = Counter()
        self._written_at: datetime | None = None

    def __call__(self, raw: bytes, directory: Directory) -> None:
        """Count a body without a valid signature. Never raises: the webhook is refused in any case."""
        named = _NUMBER.search(raw, 0, _READ_BYTES)
        number = directory.find(named[1].decode()) if named else None
        if number is None:
            return
        self._counted[number.phone_number_id] += 1
        now = self._now()
        if self._written_at is None or now - self._written_at >= WRITE_EVERY:
            self._written_at = now
            self._write(now)

    def _write(self, now: datetime) -> None:
        counted, self._counted = self._counted, Counter()
        happened = [
            traffic.TrafficCount(now, number, traffic.BAD_SIGNATURE, times) for number, times in counted.items()
        ]
        try:
            with self._database.write() as session:
                traffic.add(session, happened)
        except Unavailable:
            self._counted += counted

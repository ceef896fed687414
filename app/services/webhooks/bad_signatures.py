"""Remembering that webhooks for a number of ours are refused, because none of our app secrets signed them.

A wrong app secret refuses everything, and nothing else would ever show it: nothing is kept of what is refused.
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
"""How often a process writes down what it counted. Anybody may post forged webhooks, and must not cost us more."""

_READ_BYTES = 65_536
_NUMBER = re.compile(rb'"phone_number_id"\s*:\s*"([0-9]{5,20})"')


class NoteBadSignatures:
    """Counts refused webhooks by the number that they claim to be about. One a process."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._counted: Counter[str] = Counter()
        self._written_at: datetime | None = None

    def __call__(self, raw: bytes, directory: Directory) -> None:
        """Count a body whose signature is none of ours. Never raises: it was refused, whatever becomes of this."""
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
                traffic.add(session, traffic.rows(happened))
        except Unavailable:
            self._counted += counted

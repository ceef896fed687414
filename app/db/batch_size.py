"""The number of rows in one transaction, chosen so that other writers wait only a short time."""

from __future__ import annotations

LOCK_SECONDS = 0.010
"""The processor time, in seconds, that one transaction should take on SQLite, where only one can write at a time."""

SMALLEST, FIRST, LARGEST = 8, 32, 128
ON_POSTGRESQL = 128
"""On PostgreSQL only other workers wait for the transaction, and each statement is a round trip."""


class ChunkSize:
    """A batch size that grows and shrinks so that a transaction takes about `LOCK_SECONDS`. Constant on PostgreSQL."""

    def __init__(self, *, is_sqlite: bool) -> None:
        self._is_sqlite = is_sqlite
        self.value = FIRST if is_sqlite else ON_POSTGRESQL

    def note(self, seconds: float, used: int) -> None:
        """Adjust the size after a transaction that wrote `used` rows and took `seconds` of its thread's processor time.

        Not of the clock: in a busy worker a thread waits for the interpreter at each statement, of which fewer rows
        need as many. By the clock sizes shrank to the smallest then, and each row cost several times as much.
        """
        if not self._is_sqlite:
            return
        if seconds > LOCK_SECONDS:
            self.value = max(SMALLEST, self.value * 7 // 8)
        elif seconds < LOCK_SECONDS * 0.8 and used >= self.value:
            self.value = min(LARGEST, self.value + 4)

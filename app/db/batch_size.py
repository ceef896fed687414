"""How much one transaction does: as much as fits into the time for which it may keep others waiting."""

from __future__ import annotations

LOCK_SECONDS = 0.010
"""What one transaction may cost the others on SQLite, where one writes at a time."""

SMALLEST, FIRST, LARGEST = 8, 32, 64
ON_POSTGRESQL = 128
"""There it keeps nobody waiting but other workers, and each statement is a journey."""


class ChunkSize:
    """A size that grows and shrinks towards `LOCK_SECONDS`. On PostgreSQL it stays as it is."""

    def __init__(self, *, is_sqlite: bool) -> None:
        self._is_sqlite = is_sqlite
        self.value = FIRST if is_sqlite else ON_POSTGRESQL

    def note(self, seconds: float, used: int) -> None:
        """Learn from a transaction that took so long, and did so much."""
        if not self._is_sqlite:
            return
        if seconds > LOCK_SECONDS:
            self.value = max(SMALLEST, self.value * 7 // 8)
        elif seconds < LOCK_SECONDS * 0.8 and used >= self.value:
            self.value = min(LARGEST, self.value + 4)

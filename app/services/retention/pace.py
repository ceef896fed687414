"""How many rows one step prunes, and how long to pause after it."""

from __future__ import annotations

STEP_SECONDS = 0.003
"""How long a step should hold SQLite's write lock. The limit for all writers is 10 ms; pruning can wait."""

REST = 9
"""The pause after a step, in multiples of its duration: pruning takes at most a tenth of the writers' time."""

SMALLEST, FIRST, LARGEST = 2, 8, 500
SHORTEST_REST_SECONDS = 0.02


class Pace:
    """A number of rows that grows and shrinks so that a step takes about `STEP_SECONDS`."""

    def __init__(self) -> None:
        self.size = FIRST

    def note(self, seconds: float, used: int) -> float:
        """Adjust the size after a step that took `seconds` for `used` rows; return how many seconds to pause."""
        if seconds > STEP_SECONDS:
            self.size = max(SMALLEST, int(self.size * max(0.5, STEP_SECONDS / seconds)))
        elif seconds < STEP_SECONDS * 0.7 and used >= self.size:
            self.size = min(LARGEST, self.size + max(1, self.size // 4))
        return max(SHORTEST_REST_SECONDS, REST * seconds)

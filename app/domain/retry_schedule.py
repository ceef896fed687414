"""When a delivery that failed is tried again, in this one place."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

PAUSES = (5, 15, 30, 60, 120, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds after each failed try."""

GIVE_UP_AFTER = 3 * 86_400
"""Seconds since the first try after which a failure is the last one."""

JITTER = 0.2
"""So that what failed together does not come back together."""

LONGEST_WISH = 3_600
"""How much longer than planned an answer's `Retry-After` may make us wait: not longer than this."""

_AGES = tuple(accumulate(PAUSES, initial=0))


def pause_after(age: float, wish: int | None, chance: Callable[[], float]) -> float | None:
    """Return how many seconds to wait after a try that failed, or None when that was the last one.

    `age` is how many seconds ago the first try was. It counts, and not how many tries there were: those that are made
    early, because the app seemed to be back, take nothing away. `wish` is what the answer's `Retry-After` asked for;
    `chance` gives a number from 0 to 1.
    """
    if age >= GIVE_UP_AFTER:
        return None
    step = min(bisect_right(_AGES, age) - 1, len(PAUSES) - 1)
    planned = PAUSES[step] * (1 + JITTER * (2 * chance() - 1))
    return max(planned, min(wish or 0, LONGEST_WISH))

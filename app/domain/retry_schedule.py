"""When a delivery that failed is tried again: Standard Webhooks' schedule, in this one place."""

from __future__ import annotations

from collections.abc import Callable

PAUSES = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds before each try, the first one included: three and a half days altogether."""

JITTER = 0.2
"""So that what failed together does not come back together."""

LONGEST_WISH = 3_600
"""How much longer than planned an answer's `Retry-After` may make us wait: not longer than this."""


def pause_after(tries: int, wish: int | None, chance: Callable[[], float]) -> float | None:
    """Return how many seconds to wait after so many failed tries, or None when that was the last one.

    `wish` is what the answer's `Retry-After` asked for; `chance` gives a number from 0 to 1.
    """
    if tries >= len(PAUSES):
        return None
    planned = PAUSES[tries] * (1 + JITTER * (2 * chance() - 1))
    return max(planned, min(wish or 0, LONGEST_WISH))

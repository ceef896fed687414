"""The retry schedule of deliveries."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

PAUSES = (5, 15, 30, 60, 120, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds between attempts, by the age of the delivery."""

GIVE_UP_AFTER = 3 * 86_400
"""Seconds since the first attempt after which a failed delivery is dead."""

JITTER = 0.2
"""Pauses vary by up to this share, so that deliveries which failed together are not retried together."""

MAX_RETRY_AFTER = 3_600
"""Seconds up to which the `Retry-After` of a response prolongs a pause."""

_AGES = tuple(accumulate(PAUSES, initial=0))


def pause_after(age: float, retry_after: int | None, random: Callable[[], float]) -> float | None:
    """Return the seconds to wait after a failed attempt, or None when it was the last one.

    `age` is the time since the first attempt, in seconds. The pause depends on it and not on the number of attempts,
    so that extra attempts, made because the app seemed to have recovered, do not use up the schedule. `retry_after` is
    the response's `Retry-After` in seconds; `random` returns a number from 0 to 1.
    """
    if age >= GIVE_UP_AFTER:
        return None
    step = min(bisect_right(_AGES, age) - 1, len(PAUSES) - 1)
    planned = PAUSES[step] * (1 + JITTER * (2 * random() - 1))
    return max(planned, min(retry_after or 0, MAX_RETRY_AFTER))

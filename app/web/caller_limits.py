"""Limit how many requests a second one API key may make, where `API_REQUESTS_PER_SECOND` says so.

Each web process counts for itself and allows its share of the limit, since requests spread evenly over processes;
several servers multiply it. Webhooks of Meta have no key and no limit.
"""

from __future__ import annotations

import math
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from app.config.settings import Config
from app.errors import Throttled

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import SlidingWindowCounterRateLimiter

WINDOW_SECONDS = 10
"""So long a key may have been quiet and then make up for it: a burst of a second's work is no abuse."""

TOO_MANY = "This key makes too many requests. Slow down; `Retry-After` says for how long to wait."


def count(config: Config, name: str) -> None:
    """Count a request of the key called `name`. Raises `Throttled` if it has made too many."""
    if not config.api_requests_per_second:
        return
    share = config.api_requests_per_second / max(config.web_concurrency, 1)
    limit = _limit(max(math.ceil(share * WINDOW_SECONDS), 1))
    if not _limiter().hit(limit, name):
        left = _limiter().get_window_stats(limit, name).reset_time - time.time()
        raise Throttled(TOO_MANY, retry_after=min(max(math.ceil(left), 1), WINDOW_SECONDS))


@lru_cache(maxsize=1)
def _limiter() -> SlidingWindowCounterRateLimiter:
    from limits.storage import MemoryStorage
    from limits.strategies import SlidingWindowCounterRateLimiter

    return SlidingWindowCounterRateLimiter(MemoryStorage())


@lru_cache(maxsize=8)
def _limit(requests: int) -> RateLimitItem:
    from limits import RateLimitItemPerSecond

    return RateLimitItemPerSecond(requests, WINDOW_SECONDS)

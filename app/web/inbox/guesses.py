"""Limit how many unknown sign-in links one address may try. Nobody guesses 256 bits, and whoever tries is no friend.

Each process counts for itself. Only unknown links count, and only they are refused then: a team may share its address
with whoever tries, as it does behind a proxy that is not named in TRUSTED_PROXIES.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from flask import request

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import FixedWindowRateLimiter

MOST, SECONDS = 20, 600


def are_too_many() -> bool:
    """Return whether the request's address has tried too many."""
    if not _limiter.cache_info().currsize:
        return False  # nobody has failed yet
    return not _limiter().test(_limit(), _address())


def count() -> None:
    """Record that the request's address tried an unknown link."""
    _limiter().hit(_limit(), _address())


@cache
def _limiter() -> FixedWindowRateLimiter:
    from limits.storage import MemoryStorage
    from limits.strategies import FixedWindowRateLimiter

    return FixedWindowRateLimiter(MemoryStorage())


@cache
def _limit() -> RateLimitItem:
    from limits import RateLimitItemPerSecond

    return RateLimitItemPerSecond(MOST, SECONDS)


def _address() -> str:
    return request.remote_addr or ""

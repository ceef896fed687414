"""Limit how many unknown sign-in links one address may try. Nobody guesses 256 bits, and whoever tries is no friend.

Each process counts for itself, and with `CACHE_URL` for all. Only unknown links count, and only they are refused then:
a team may share its address with whoever tries, as it does behind a proxy that is not named in TRUSTED_PROXIES.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from flask import request

from app.web.context import gateway

if TYPE_CHECKING:
    from limits import RateLimitItem

    from app.cache import TryLimiter

MOST, SECONDS = 20, 600


def are_too_many() -> bool:
    """Return whether the request's address has tried too many."""
    if not _limiter.cache_info().currsize and not gateway().config.cache_url:
        return False  # nobody has failed yet
    return not _the_limiter().test(_limit(), _address())


def count() -> None:
    """Record that the request's address tried an unknown link."""
    _the_limiter().hit(_limit(), _address())


def _the_limiter() -> TryLimiter:
    config = gateway().config
    return _limiter(config.cache_url, config.secret_key)


@cache
def _limiter(cache_url: str, secret: str) -> TryLimiter:
    from app.cache import TryLimiter, prefix_of

    return TryLimiter(cache_url, prefix_of(secret))


@cache
def _limit() -> RateLimitItem:
    from limits import RateLimitItemPerSecond

    return RateLimitItemPerSecond(MOST, SECONDS)


def _address() -> str:
    return request.remote_addr or ""

"""What processes and machines may share for some minutes, in Redis (`CACHE_URL`): nothing that could not be made again.

Each process also keeps such things in its own memory. Redis saves calls to Meta when there are many processes, and
counts callers' tries for all of them. While it is away everything goes on as without it: after an error nobody waits
for it again for some seconds. It is imported only if it is set.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limits.strategies import FixedWindowRateLimiter
    from redis import Redis

TIMEOUT_SECONDS = 0.25
AWAY_SECONDS = 5.0
"""How long Redis is left alone after an error."""

_TIMEOUTS = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}


class Cache:
    """JSON values by key, which may be gone at any moment. This one keeps nothing; `open_cache` gives one of Redis."""

    def get(self, key: str) -> Any:
        """Return the value, or None."""
        return None

    def put(self, key: str, value: Any, seconds: float) -> None:
        """Keep a value for some seconds, if that is possible."""


class RedisCache(Cache):
    """Keeps values in Redis, under a prefix of this gateway's own. Thread-safe; raises nothing."""

    def __init__(self, url: str, prefix: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._prefix = prefix
        self._monotonic = monotonic
        self._away_until = 0.0
        self._client: Redis | None = None

    def get(self, key: str) -> Any:
        """Return the value, or None: also while Redis is away, and for what is no JSON."""
        found = self._try(lambda client: client.get(f"{self._prefix}:{key}"))
        try:
            return None if found is None else json.loads(found)
        except ValueError:
            return None

    def put(self, key: str, value: Any, seconds: float) -> None:
        """Keep a value for some seconds, unless Redis is away."""
        text = json.dumps(value, separators=(",", ":"))
        self._try(lambda client: client.set(f"{self._prefix}:{key}", text, px=int(seconds * 1000)))

    def _try(self, call: Callable[[Redis], Any]) -> Any:
        from redis.exceptions import RedisError

        if self._monotonic() < self._away_until:
            return None
        try:
            return call(self._connected())
        except RedisError:
            self._away_until = self._monotonic() + AWAY_SECONDS
            return None

    def _connected(self) -> Redis:
        if self._client is None:
            from redis import Redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry

            self._client = Redis.from_url(self._url, retry=Retry(NoBackoff(), 0), **_TIMEOUTS)
        return self._client


class TryLimiter:
    """Counts tries in fixed windows: in Redis for all processes, in memory without it and while it is away."""

    def __init__(self, url: str, prefix: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        from limits.storage import MemoryStorage
        from limits.strategies import FixedWindowRateLimiter

        self._monotonic = monotonic
        self._away_until = 0.0
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._shared: FixedWindowRateLimiter | None = None
        if url:
            from limits.storage import storage_from_string

            storage: Any = storage_from_string(url, wrap_exceptions=True, key_prefix=prefix, **_TIMEOUTS)
            self._shared = FixedWindowRateLimiter(storage)

    def test(self, limit: Any, who: str) -> bool:
        """Return whether another try is allowed. `limit` is one of the package `limits`."""
        own = self._own.test(limit, who)
        return own and self._try(lambda limiter: limiter.test(limit, who))

    def hit(self, limit: Any, who: str) -> None:
        """Count a try."""
        self._own.hit(limit, who)
        self._try(lambda limiter: limiter.hit(limit, who))

    def _try(self, call: Callable[[FixedWindowRateLimiter], bool]) -> bool:
        from limits.errors import StorageError

        if self._shared is None or self._monotonic() < self._away_until:
            return True
        try:
            return call(self._shared)
        except StorageError:
            self._away_until = self._monotonic() + AWAY_SECONDS
            return True


def prefix_of(secret: str) -> str:
    """Return the prefix of a gateway's keys: several may share one Redis, and each has a secret of its own."""
    return f"whatsapp-service:{hashlib.sha256(secret.encode()).hexdigest()[:12]}"


def open_cache(url: str, secret: str) -> Cache:
    """Return a cache in Redis at `url`, or one that keeps nothing for an empty one. Connects at its first use."""
    return RedisCache(url, prefix_of(secret)) if url else Cache()

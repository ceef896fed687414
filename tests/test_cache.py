"""What processes share in Redis: it is used while it is there, and nobody misses it while it is not."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from limits import RateLimitItemPerSecond

from app.cache import AWAY_SECONDS, Cache, RedisCache, TryLimiter, open_cache
from tests.load.gateway import free_port

LIMIT = RateLimitItemPerSecond(2, 600)


class Time:
    """A monotonic time that moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class OwnRedis:
    """A Redis server of our own, to kill."""

    def __init__(self, folder: Path, program: str) -> None:
        self.port, self._folder, self._program = free_port(), folder, program
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen([self._program, *options], stdout=subprocess.DEVNULL)
        self._wait()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def _wait(self) -> None:
        from redis import Redis
        from redis.exceptions import RedisError

        until = time.monotonic() + 20
        while True:
            try:
                Redis(port=self.port).ping()
                return
            except RedisError:
                assert time.monotonic() < until
                time.sleep(0.02)


@pytest.fixture(scope="module")
def program() -> str:
    found = shutil.which("redis-server")
    if found is None:
        assert os.environ.get("CI") != "true", "CI promises a Redis"
        pytest.skip("there is no redis-server on this machine")
    return found


@contextmanager
def own_redis(folder: Path, program: str) -> Iterator[OwnRedis]:
    server = OwnRedis(folder, program)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def test_two_processes_share_values_and_a_dead_redis_costs_nobody_anything(tmp_path: Path, program: str) -> None:
    clock, prefix = Time(), f"test:{secrets.token_hex(4)}"
    with own_redis(tmp_path, program) as server:
        one, other = (RedisCache(server.url, prefix, clock) for _ in range(2))
        stranger = RedisCache(server.url, "somebody", clock)
        one.put("a", {"n": [1, "ñ"]}, 60)
        assert other.get("a") == {"n": [1, "ñ"]}
        assert other.get("b") is None and stranger.get("a") is None
        one.put("short", 1, 0.05)
        time.sleep(0.1)
        assert other.get("short") is None

        server.kill()
        started = time.monotonic()
        for _ in range(200):  # only the first waits for it
            assert other.get("a") is None
            other.put("a", 1, 60)
        assert time.monotonic() - started < 3

        server.start()
        assert other.get("a") is None  # still left alone
        clock.now += AWAY_SECONDS
        other.put("a", 2, 60)
        assert other.get("a") == 2
        clock.now += AWAY_SECONDS
        one.get("a")  # a connection that died is noticed once
        clock.now += AWAY_SECONDS
        assert one.get("a") == 2


def test_tries_are_counted_for_all_and_for_oneself_without_redis(tmp_path: Path, program: str) -> None:
    clock, prefix = Time(), f"test:{secrets.token_hex(4)}"
    with own_redis(tmp_path, program) as server:
        one, other = (TryLimiter(server.url, prefix, clock) for _ in range(2))
        one.hit(LIMIT, "a")
        other.hit(LIMIT, "a")
        assert not one.test(LIMIT, "a") and not other.test(LIMIT, "a") and one.test(LIMIT, "b")

        server.kill()
        assert one.test(LIMIT, "a")  # its own count is one
        one.hit(LIMIT, "a")
        assert not one.test(LIMIT, "a")
    alone = TryLimiter("", prefix)
    alone.hit(LIMIT, "a")
    assert alone.test(LIMIT, "a")


def test_without_a_setting_nothing_is_kept_and_redis_is_not_imported() -> None:
    cache = open_cache("", "secret")
    cache.put("a", 1, 60)

    assert type(cache) is Cache and cache.get("a") is None
    code = "import sys, app.container; assert 'redis' not in sys.modules and 'limits' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)

"""A lock for one writer at a time, among threads or greenlets of this process and among processes of this machine.

SQLite lets one transaction write at a time and wakes waiters in no order, so that under load some starve for seconds.
Writers therefore queue here, where waiting is fair enough and never blocks a gevent hub.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAUSE_SECONDS = 0.0005


class WriteLockTimeout(Exception):
    """Another writer held the lock for longer than we may wait."""


class WriteLock:
    """A mutex over threads and, given a path, over processes.

    Between processes it is a turnstile of two file locks: a process that waits for the lock holds the queue meanwhile,
    so that the process that just wrote cannot overtake it. File locks are polled, because a blocking one would stop
    every greenlet of the process. Each process opens them itself, because a lock whose descriptor was inherited over
    fork excludes nobody.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._mutex = threading.Lock()
        self._path = path
        self._pid = 0
        self._queue = -1
        self._turn = -1

    @contextmanager
    def hold(self, timeout_seconds: float) -> Iterator[None]:
        """Hold the lock for the body. Raises `WriteLockTimeout` if it is not free in time."""
        deadline = time.monotonic() + timeout_seconds
        if not self._mutex.acquire(timeout=timeout_seconds):
            raise WriteLockTimeout
        try:
            if self._path is None:
                yield
            else:
                self._open(self._path)
                _lock(self._queue, deadline)
                try:
                    _lock(self._turn, deadline)
                finally:
                    fcntl.flock(self._queue, fcntl.LOCK_UN)
                try:
                    yield
                finally:
                    fcntl.flock(self._turn, fcntl.LOCK_UN)
        finally:
            self._mutex.release()

    def close(self) -> None:
        """Close the files; the next `hold` opens them again."""
        with self._mutex:
            if self._pid == os.getpid():
                os.close(self._queue)
                os.close(self._turn)
            self._pid = 0

    def _open(self, path: Path) -> None:
        if self._pid == os.getpid():
            return
        self._queue = os.open(f"{path}-queue", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._turn = os.open(f"{path}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._pid = os.getpid()


def _lock(descriptor: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise WriteLockTimeout from None
            time.sleep(PAUSE_SECONDS)

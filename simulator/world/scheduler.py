"""Things that happen later: a heap of due times and a few threads that work it off."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

_log = logging.getLogger(__name__)
_THREADS = 8

Task = Callable[[], None]


class Scheduler:
    """Runs tasks at their time, several at once, as Meta's deliveries overlap. Nothing survives `close`."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Task]] = []
        self._order = itertools.count()
        self._ready = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._closed = False

    def later(self, seconds: float, task: Task) -> None:
        """Run a task after so many seconds; of two that are due together, the one asked for first goes first."""
        with self._ready:
            if self._closed:
                return
            self._start_threads()
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), task))
            self._ready.notify()

    def close(self) -> None:
        """Forget what is still to come and let the threads end; one inside a task ends with that task."""
        with self._ready:
            self._closed = True
            self._due.clear()
            self._ready.notify_all()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout=1.0)

    def _start_threads(self) -> None:
        if not self._threads:
            self._threads = [
                threading.Thread(target=self._work, name=f"simulator-{n}", daemon=True) for n in range(_THREADS)
            ]
            for thread in self._threads:
                thread.start()

    def _work(self) -> None:
        while (task := self._next()) is not None:
            try:
                task()
            except Exception:  # one task's trouble must not end the thread that the others need
                _log.exception("a scheduled step of the simulator failed")

    def _next(self) -> Task | None:
        with self._ready:
            while not self._closed:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._ready.wait(wait)
            return None

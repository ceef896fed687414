"""The processes that run the user's handlers: as many as there are calls at once, up to a number."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.handlers import Handler
from app.handlers.process import Act, CannotLoad, HandlerProcess

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
"""Between tries at loading a module that cannot be loaded."""

LAST_CALLS_SECONDS = 3.0
"""How long a stop waits for calls that are under way."""

SEAT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call. With `is_tried` False it did not take place, or was cut off by our own stop."""

    error: str | None
    traceback: str
    seconds: float
    is_tried: bool = True


NOT_TRIED = Outcome("not tried", "", 0.0, is_tried=False)


class HandlerPool:
    """Runs handlers. Threads may share it; it starts no process before it must."""

    def __init__(self, module: str, environ: Mapping[str, str], *, processes: int, seconds: float) -> None:
        self.module = module
        self._environ = environ
        self._most = processes
        self._seconds = seconds
        self._running: Counter[str] = Counter()
        self._seats = threading.Condition()
        self._mutex = threading.Lock()
        self._idle: list[HandlerProcess] = []
        self._handlers: tuple[Handler, ...] | None = None
        self._pause = FIRST_PAUSE
        self._load_at = 0.0
        self._stop_at: float | None = None

    @property
    def handlers(self) -> tuple[Handler, ...] | None:
        """What the module registers; None while it is not loaded."""
        return self._handlers

    @property
    def calls_each(self) -> int:
        """How many calls of one handler at once leave a process for each of the others."""
        return max(1, self._most + 1 - len(self._handlers or ()))

    def serves(self, name: str) -> bool:
        """Whether this handler can be called here and now."""
        return self._stop_at is None and any(each.name == name for each in self._handlers or ())

    def load(self) -> bool:
        """Load the module if it is not loaded and it is time to try; False if it is not. Raises `CannotLoad`."""
        if self._handlers is not None or self._stop_at is not None or time.monotonic() < self._load_at:
            return self._handlers is not None
        self._put_back(self._start())
        return True

    def run(self, name: str, event: bytes, act: Act, *, is_replay: bool) -> Outcome:
        """Call a handler, in a process of its own for as long. Never raises for anything that the handler does."""
        if not self._take_seat(name):
            return NOT_TRIED
        try:
            process = self._take(name)
            if process is None:
                return NOT_TRIED
            try:
                return self._call(process, name, event, act, is_replay=is_replay)
            finally:
                self._put_back(process)
        finally:
            with self._seats:
                self._running[name] -= 1
                self._seats.notify_all()

    def begin_stop(self) -> None:
        """Take no more calls, and let those under way end within a moment."""
        self._stop_at = time.monotonic() + LAST_CALLS_SECONDS

    def close(self) -> None:
        """End the processes that have nothing to do, and from now on those that have when they are done."""
        self._stop_at = self._stop_at or time.monotonic()
        with self._mutex:
            idle, self._idle = self._idle, []
        for process in idle:
            process.close()

    def _take_seat(self, name: str) -> bool:
        with self._seats:
            while self._running.total() >= self._most or self._running[name] >= self.calls_each:
                self._seats.wait(SEAT_SECONDS)
                if self._stop_at is not None:
                    return False
            self._running[name] += 1
            return True

    def _call(self, process: HandlerProcess, name: str, event: bytes, act: Act, *, is_replay: bool) -> Outcome:
        started = time.monotonic()

        def until() -> float:
            own = started + self._seconds
            return own if self._stop_at is None else min(own, self._stop_at)

        called = process.call(name, event, act, until, is_replay=is_replay)
        was_cut_off = not process.is_usable and self._stop_at is not None
        return Outcome(called.error, called.traceback, time.monotonic() - started, is_tried=not was_cut_off)

    def _take(self, name: str) -> HandlerProcess | None:
        """A process that knows the handler, a new one if none is idle; None when there can be none now."""
        while self.serves(name):
            with self._mutex:
                process = self._idle.pop() if self._idle else None
            if process is None:
                try:
                    process = self._start()
                except CannotLoad:
                    return None  # whoever calls `load` next hears why
            if process.is_alive and process.handlers == self._handlers:
                return process
            process.close()
        return None

    def _start(self) -> HandlerProcess:
        try:
            process = HandlerProcess(self.module, self._environ, lambda: self._stop_at is not None)
        except CannotLoad:
            self._handlers = None
            self._load_at = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            raise
        self._pause = FIRST_PAUSE
        if process.handlers != self._handlers:
            self._handlers = process.handlers
        return process

    def _put_back(self, process: HandlerProcess) -> None:
        with self._mutex:
            if process.is_alive and process.handlers == self._handlers and self._stop_at is None:
                self._idle.append(process)
                return
        process.close()

"""A pool of processes that run the user's Python handlers, one call per process at a time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from app.domain.handlers import Handler
from app.handlers.process import Action, CannotLoad, HandlerProcess, HandlerResult

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
"""Seconds between attempts to load a module that cannot be loaded."""

LAST_CALLS_SECONDS = 3.0
"""How long a stop waits for running calls."""

SLOT_SECONDS = 0.5

NOT_ATTEMPTED = HandlerResult("not tried", was_attempted=False)


class HandlerPool:
    """Runs handlers. Thread-safe. Starts a process only when a call or a load needs one."""

    def __init__(self, module: str, environ: Mapping[str, str], *, processes: int, seconds: float) -> None:
        self.module = module
        self._environ = environ
        self._max_processes = processes
        self._seconds = seconds
        self._running: Counter[str] = Counter()
        self._slots = threading.Condition()
        self._mutex = threading.Lock()
        self._idle: list[HandlerProcess] = []
        self._handlers: tuple[Handler, ...] | None = None
        self._pause = FIRST_PAUSE
        self._load_at = 0.0
        self._stop_at: float | None = None

    @property
    def handlers(self) -> tuple[Handler, ...] | None:
        """Return the handlers that the module registers; None while it is not loaded."""
        return self._handlers

    @property
    def calls_each(self) -> int:
        """Return how many calls of one handler may run at once, so that a process is left for each other handler."""
        return max(1, self._max_processes + 1 - len(self._handlers or ()))

    def serves(self, name: str) -> bool:
        """Return whether the handler is loaded, and the pool is not stopping."""
        return self._stop_at is None and any(each.name == name for each in self._handlers or ())

    def load(self) -> bool:
        """Load the module, unless it is loaded or has failed a moment ago. Return whether it is loaded.

        Raises `CannotLoad`.
        """
        if self._handlers is not None or self._stop_at is not None or time.monotonic() < self._load_at:
            return self._handlers is not None
        self._put_back(self._start())
        return True

    def run(self, name: str, event: bytes, action: Action, *, is_replay: bool) -> HandlerResult:
        """Call a handler with an event given as JSON. Never raises for anything that the handler does.

        `action` carries out the handler's requests. Waits until a process is free. The result has `was_attempted` False
        if the call did not take place, or if stopping this pool ended it.
        """
        if not self._take_slot(name):
            return NOT_ATTEMPTED
        try:
            process = self._take(name)
            if process is None:
                return NOT_ATTEMPTED
            try:
                return self._call(process, name, event, action, is_replay=is_replay)
            finally:
                self._put_back(process)
        finally:
            with self._slots:
                self._running[name] -= 1
                self._slots.notify_all()

    def begin_stop(self) -> None:
        """Refuse new calls, and end running ones after `LAST_CALLS_SECONDS`."""
        self._stop_at = time.monotonic() + LAST_CALLS_SECONDS

    def close(self) -> None:
        """End idle processes now, and busy ones after their call."""
        self._stop_at = self._stop_at or time.monotonic()
        with self._mutex:
            idle, self._idle = self._idle, []
        for process in idle:
            process.close()

    def _take_slot(self, name: str) -> bool:
        with self._slots:
            while self._running.total() >= self._max_processes or self._running[name] >= self.calls_each:
                self._slots.wait(SLOT_SECONDS)
                if self._stop_at is not None:
                    return False
            self._running[name] += 1
            return True

    def _call(
        self, process: HandlerProcess, name: str, event: bytes, action: Action, *, is_replay: bool
    ) -> HandlerResult:
        started = time.monotonic()

        def until() -> float:
            deadline = started + self._seconds
            return deadline if self._stop_at is None else min(deadline, self._stop_at)

        result = process.call(name, event, action, until, is_replay=is_replay)
        was_stopped = not process.is_usable and self._stop_at is not None
        return replace(result, seconds=time.monotonic() - started, was_attempted=not was_stopped)

    def _take(self, name: str) -> HandlerProcess | None:
        """Return an idle process that has the handler loaded, or a new one; None if it cannot be started now."""
        while self.serves(name):
            with self._mutex:
                process = self._idle.pop() if self._idle else None
            if process is None:
                try:
                    process = self._start()
                except CannotLoad:
                    return None  # the next call of `load` raises the reason
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

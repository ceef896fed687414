"""Loops that run for as long as the process does, each in its own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from app.errors import Unavailable
from app.logs import get_logger

POLL_SECONDS = 0.05
"""Pause between two polls of a loop that found nothing to do. A poll costs less than a notification channel would."""

RETRY_SECONDS = 1.0
"""Pause after an iteration that raised, for example because the database cannot be used."""

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Loop:
    """One kind of repeated work.

    `work` does one iteration and returns whether the next one should follow without a pause of `pause_seconds`.
    `prepare` is called before the first iteration, again and again until it does not raise.
    """

    name: str
    work: Callable[[], bool]
    pause_seconds: float
    prepare: Callable[[], object] | None = None


class Once:
    """Steps that several loops need before their first iteration: the first caller runs them, the others wait.

    A call raises what a step raises; the next call then starts again with the first step.
    """

    def __init__(self, *steps: Callable[[], object]) -> None:
        self._steps = steps
        self._mutex = threading.Lock()
        self._is_done = False

    def __call__(self) -> None:
        """Run the steps, unless an earlier call has completed them."""
        with self._mutex:
            if not self._is_done:
                for step in self._steps:
                    step()
                self._is_done = True


class Loops:
    """Runs loops until `stop` is called, which sets `stopping`.

    An iteration that raises is logged and repeated after `RETRY_SECONDS`.
    """

    def __init__(self, loops: list[Loop], stopping: threading.Event | None = None) -> None:
        self._stop = stopping or threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(loop,), name=loop.name) for loop in loops]

    def start(self) -> None:
        """Start a thread for each loop."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each loop end its current iteration, and wait for all threads."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, loop: Loop) -> None:
        prepare = loop.prepare
        while not self._stop.is_set():
            try:
                if prepare is not None:
                    prepare()
                    prepare = None
                pause = 0.0 if loop.work() else loop.pause_seconds
            except Unavailable as error:
                logger.warning(
                    "the database cannot be used; trying again", extra={"kind": loop.name, "reason": error.reason}
                )
                pause = RETRY_SECONDS
            except Exception:
                logger.exception("work failed; trying again", extra={"kind": loop.name})
                pause = RETRY_SECONDS
            if pause:
                self._stop.wait(pause)

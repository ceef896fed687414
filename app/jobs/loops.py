"""Work that goes on for as long as the process does, each kind in its own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from app.errors import Unavailable
from app.logs import get_logger

LOOK_SECONDS = 0.05
"""How often a worker that has nothing to do looks for work. A look costs less than a way to be told would."""

AWAY_SECONDS = 1.0
"""How long to leave a database alone that did not answer."""

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Lane:
    """One kind of work. `work` does some of it and says whether there may be more at once; `first` is done before."""

    name: str
    work: Callable[[], bool]
    pause_seconds: float
    first: Callable[[], object] | None = None


class Once:
    """What several lanes need to be done before they begin: the first does it, and the others wait.

    Raises what a step raises; who is called next begins again.
    """

    def __init__(self, *steps: Callable[[], object]) -> None:
        self._steps = steps
        self._mutex = threading.Lock()
        self._is_done = False

    def __call__(self) -> None:
        """Do it, unless it was done."""
        with self._mutex:
            if not self._is_done:
                for step in self._steps:
                    step()
                self._is_done = True


class Lanes:
    """Runs lanes until told to stop, and survives whatever one of them raises."""

    def __init__(self, lanes: list[Lane]) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(lane,), name=lane.name) for lane in lanes]

    def start(self) -> None:
        """Start every lane."""
        for thread in self._threads:
            thread.start()

    def is_stopping(self) -> bool:
        """Whether the work at hand should come to an end."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Let every lane finish what it has begun, and return when all have."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, lane: Lane) -> None:
        first = lane.first
        while not self._stop.is_set():
            try:
                if first is not None:
                    first()
                    first = None
                pause = 0.0 if lane.work() else lane.pause_seconds
            except Unavailable as error:
                logger.warning(
                    "the database cannot be used; trying again", extra={"kind": lane.name, "reason": error.reason}
                )
                pause = AWAY_SECONDS
            except Exception:
                logger.exception("work failed; trying again", extra={"kind": lane.name})
                pause = AWAY_SECONDS
            if pause:
                self._stop.wait(pause)

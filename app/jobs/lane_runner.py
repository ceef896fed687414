"""One lane in a process of Celery's: worked on by tasks, and without them where none come."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from app.errors import Unavailable
from app.jobs.lane_work import Work
from app.jobs.lanes import Lane
from app.jobs.loops import POLL_SECONDS, RETRY_SECONDS
from app.logs import get_logger

SLICE_SECONDS = 10.0
"""How long a task works at most, so that the broker sees an end well before it gives the message to another worker."""

LINGER_SECONDS = 1.0
"""How long a task waits for more work after the last. As long as messages keep coming, a lane is thus as quick as
a loop, and nudges need not come for each."""

PATIENCE_SECONDS = 2.0
"""After so long without a nudge a process looks itself whether work is due: a purged queue, a broken connection."""

LOOK_SECONDS = 1.0

logger = get_logger(__name__)


class LaneRunner:
    """Runs the rounds of one lane. Thread-safe: rounds never overlap in a process, however many tasks come.

    `is_due` tells whether the lane has work; None for one that the clock starts. `is_carried` tells whether the broker
    carries the work at present.
    """

    def __init__(
        self,
        lane: Lane,
        work: Work,
        is_due: Callable[[], bool] | None,
        is_carried: Callable[[], bool],
        stopping: threading.Event,
    ) -> None:
        self._lane = lane
        self._work = work
        self._is_due = is_due
        self._is_carried = is_carried
        self._stopping = stopping
        self._mutex = threading.Lock()
        self._is_prepared = work.prepare is None
        self._nudged_at = time.monotonic()
        self._looked_at = self._found_at = self._ran_at = 0.0

    def run(self) -> str:
        """Work until nothing was due for a while, at most `SLICE_SECONDS`. Returns in a word what was done."""
        self._nudged_at = time.monotonic()
        if not self._mutex.acquire(blocking=False):
            return "already at work"
        try:
            return self._rounds(SLICE_SECONDS, LINGER_SECONDS if self._is_due is not None else 0.0)
        finally:
            self._mutex.release()

    def stand_in(self) -> bool:
        """Work without a task where that is called for; return whether it was. Called again and again by one loop."""
        if not self._is_called_for() or not self._mutex.acquire(blocking=False):
            return False
        try:
            self._rounds(LINGER_SECONDS, 2 * POLL_SECONDS if self._is_due is not None else 0.0)
        finally:
            self._mutex.release()
        return True

    def _is_called_for(self) -> bool:
        now = time.monotonic()
        if self._mutex.locked() or self._stopping.is_set():
            return False
        if not self._work.is_at_rest():
            return True  # a task ended while work was under way, whose results must be recorded
        if self._is_due is None:
            return not self._is_carried() and now - self._ran_at >= self._lane.pause_seconds
        is_alone = not self._is_carried()
        if not is_alone and now - self._nudged_at < PATIENCE_SECONDS:
            return False
        is_often = is_alone or now - self._found_at < PATIENCE_SECONDS
        if now - self._looked_at < (0.0 if is_often else LOOK_SECONDS):
            return False
        self._looked_at = now + random.random() * 0.2  # many processes that started together do not look together
        if self._is_due():
            self._found_at = now
            return True
        return False

    def _rounds(self, seconds: float, linger: float) -> str:
        until = time.monotonic() + seconds
        did, busy_at = "nothing was due", time.monotonic()
        try:
            if not self._is_prepared:
                assert self._work.prepare is not None
                self._work.prepare()
                self._is_prepared = True
            while not self._stopping.is_set():
                has_more = self._work.do()
                self._ran_at = now = time.monotonic()
                if has_more or not self._work.is_at_rest():
                    did, busy_at = "worked", now
                if now >= until or now - busy_at > linger:
                    break
                if not has_more:
                    self._stopping.wait(self._lane.pause_seconds)
        except Unavailable as error:
            logger.warning(
                "the database cannot be used; trying again", extra={"kind": self._lane.name, "reason": error.reason}
            )
            did = "the database could not be used"
            self._stopping.wait(RETRY_SECONDS)
        except Exception:
            logger.exception("work failed; trying again", extra={"kind": self._lane.name})
            did = "failed"
            self._stopping.wait(RETRY_SECONDS)
        return did

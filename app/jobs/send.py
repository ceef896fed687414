"""Send what waits in the queue: turns are given out here, and the calls made by a process of their own."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable

from app import clock, metrics
from app.errors import Unavailable
from app.graph.send_calls import Answer, Call, MakesCalls
from app.jobs.loops import LOOK_SECONDS
from app.logs import get_logger
from app.process import fault_points
from app.process.fault_points import Point
from app.services.sending.dequeue import Departure
from app.services.sending.queue import SendQueue
from app.services.sending.record_results import Arrival

WAITING, WAITING_QUICK = 1, 4
"""How many calls wait, for each that may be under way: for their turn, or for one that is under way to end. More while
Meta answers quickly, so that the next are there during a longer transaction."""

LAST_ANSWERS_SECONDS = 21.0
"""How long a stop waits for answers that are under way."""

logger = get_logger(__name__)


class Sender:
    """One worker's share of sending. `work` and `stop` are one thread's to call."""

    def __init__(
        self, sends: SendQueue, start_calls: Callable[[Callable[[Answer], None]], MakesCalls], at_once: int
    ) -> None:
        """`at_once` is how many calls may be under way."""
        self._sends = sends
        self._at_once = at_once
        self._told: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._calls = start_calls(self._told.put)
        self._in_hand: dict[str, Departure] = {}
        self._unrecorded: list[Arrival] = []
        self._looked_at = 0.0

    def work(self) -> bool:
        """Record what came back and let the next leave; False when there was nothing to do."""
        self._collect(self._looked_at + LOOK_SECONDS)
        self._looked_at = time.monotonic()
        free = self._room() if self._calls.is_ready() and not clock.is_too_far() else 0
        if not self._unrecorded and not self._sends.is_in_doubt and not (free and self._sends.has_due()):
            return False
        at_once = self._sends.at_once
        departures = self._exchange(at_once, free)
        fault_points.reach(Point.LEAVING if departures else Point.RECORDED)
        if departures:
            self._in_hand |= {each.key: each for each in departures}
            self._calls.begin([_call(each) for each in departures])
            fault_points.reach(Point.HANDED)
        if len(departures) == at_once:
            self._looked_at = 0.0  # there is more
        return True

    def stop(self) -> None:
        """Give back what has not left, wait for what has, and record both."""
        self._calls.stop()
        deadline = time.monotonic() + LAST_ANSWERS_SECONDS
        try:
            while self._unrecorded or (self._in_hand and time.monotonic() < deadline):
                self._collect(time.monotonic() + LOOK_SECONDS)
                if self._unrecorded:
                    self._exchange(self._sends.at_once, 0)
        except Unavailable:
            logger.warning("answers could not be recorded; Meta's reports will tell what became of these sends")
        self._calls.close()

    def _exchange(self, at_once: int, free: int) -> list[Departure]:
        """Record some of what came back, and let the next leave. Raises `Unavailable`; then it is to be done again."""
        arrivals = self._unrecorded[:at_once]
        try:
            departures = self._sends.exchange(arrivals, free)
        except Unavailable:
            raise
        except Exception:
            if not arrivals:
                raise
            logger.exception("answers could not be recorded together; trying each by itself")
            departures = []
            for arrival in arrivals:
                self._record_alone(arrival)
        self._unrecorded = self._unrecorded[at_once:]
        return departures

    def _record_alone(self, arrival: Arrival) -> None:
        """One that cannot be recorded must not keep all others: its send becomes unknown, as after a crash."""
        try:
            self._sends.exchange([arrival], 0)
        except Unavailable:
            raise
        except Exception:
            logger.exception("an answer could not be recorded", extra=arrival.departure.labels)

    def _room(self) -> int:
        waiting = WAITING_QUICK if len(self._unrecorded) > self._at_once // 2 else WAITING
        return max(0, (1 + waiting) * self._at_once - len(self._in_hand))

    def _collect(self, until: float) -> None:
        """Take what was answered; wait until then for more, unless there is plenty."""
        plenty = self._sends.at_once * 3 // 4
        while True:
            left = until - time.monotonic() if len(self._unrecorded) < plenty else 0.0
            try:
                answer = self._told.get(timeout=left) if left > 0 else self._told.get_nowait()
            except queue.Empty:
                break
            departure = self._in_hand.pop(answer.key)
            if answer.trouble:
                logger.error("a send broke", extra=departure.labels | {"reason": answer.trouble})
            if answer.seconds:
                metrics.graph_seconds.observe(answer.seconds)
            self._unrecorded.append(Arrival(departure, answer.outcome))


def _call(departure: Departure) -> Call:
    number = departure.number
    return Call(
        departure.key, number.phone_number_id, departure.payload, number.access_token, departure.at.timestamp()
    )  # fmt: skip

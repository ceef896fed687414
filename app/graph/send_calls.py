"""Calls of sends that nobody waits for: each made when its turn has come, some at the same time."""

from __future__ import annotations

import heapq
import itertools
import os
import queue
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from app.domain.rate_limits import DOUBTS
from app.errors import GraphError, GraphNotTried, GraphUnknown
from app.graph.answers import SendResult, leaves_doubt
from app.graph.client import GraphClient
from app.process import fault_points
from app.process.fault_points import Point

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One send that is to leave at `at` (seconds since the epoch). Its answer is told by `key`."""

    key: str
    phone_number_id: str
    payload: str
    token: str
    at: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call, and after how many seconds; `trouble` says where a bug of ours is."""

    key: str
    outcome: SendResult | GraphError
    seconds: float = 0.0
    trouble: str = ""

    def as_json(self) -> Json:
        """The answer as it travels between processes."""
        said: Json = {"key": self.key, "seconds": self.seconds, "trouble": self.trouble}
        if isinstance(self.outcome, SendResult):
            return said | {"result": asdict(self.outcome)}
        error = self.outcome
        meta = {"message": error.message, "meta": error.meta, "retry_after": error.retry_after}
        return said | {"error": type(error).__name__, **meta}

    @classmethod
    def from_json(cls, said: Json) -> Answer:
        """Read what `as_json` said."""
        outcome: SendResult | GraphError
        if "result" in said:
            outcome = SendResult(**said["result"])
        else:
            kind = _ERRORS[said["error"]]
            outcome = kind(said["message"], meta=said["meta"], retry_after=said["retry_after"])
        return cls(said["key"], outcome, said["seconds"], said["trouble"])


_ERRORS = {kind.__name__: kind for kind in GraphError.__subclasses__()}


LATE_SECONDS = 10.0
"""What could not leave so long after its turn, because those before it take their time, waits for another turn."""


class MakesCalls(Protocol):
    """Makes calls somewhere, and tells each one's answer, once, to whom it was made for."""

    def is_ready(self) -> bool:
        """Whether a call would be made at its time."""

    def begin(self, calls: Sequence[Call]) -> None:
        """Take on calls; returns at once."""

    def stop(self) -> None:
        """Begin no more: what has not left is answered `GraphNotTried`, what has is still answered."""

    def close(self) -> None:
        """End, also what is under way."""


class Calls:
    """Makes calls in threads, at most `at_once` at the same time.

    After `DOUBTS` calls of a number in a row that got no clear answer, what was taken on for it before that is given
    back untried: it is only those under way of which nobody knows what became of them.
    """

    def __init__(
        self,
        graph: GraphClient,
        at_once: int,
        tell: Callable[[Answer], None],
        seconds_until: Callable[[float], float] = lambda at: at - time.time(),
    ) -> None:
        """`tell` is called by any thread. `seconds_until` says how long it is until a time."""
        self._graph = graph
        self._tell = tell
        self._seconds_until = seconds_until
        self._places = itertools.count(1)
        self._last_place = 0
        self._early: list[tuple[float, int, Call]] = []
        self._news = threading.Condition()
        self._due: queue.SimpleQueue[tuple[int, Call] | None] = queue.SimpleQueue()
        self._doubts: Counter[str] = Counter()
        self._in_doubt: dict[str, int] = {}
        self._stopped_at = 0
        self._is_closed = False
        self._at_once = at_once
        threading.Thread(target=self._wait_for_turns, name="turns", daemon=True).start()
        for _ in range(at_once):
            threading.Thread(target=self._make_due, name="call", daemon=True).start()

    def is_ready(self) -> bool:
        """Always: the threads are there."""
        return True

    def begin(self, calls: Sequence[Call]) -> None:
        """Take on calls."""
        with self._news:
            for call in calls:
                self._last_place = next(self._places)
                heapq.heappush(self._early, (call.at, self._last_place, call))
            self._news.notify()

    def stop(self) -> None:
        """Give back whatever has not left."""
        with self._news:
            self._stopped_at = self._last_place
            self._news.notify()
        with suppress(queue.Empty):
            while (due := self._due.get_nowait()) is not None:
                self._give_back(due[1])

    def close(self) -> None:
        """End the threads, each when its call is over."""
        with self._news:
            self._is_closed = True
            self._news.notify()

    def _wait_for_turns(self) -> None:
        while True:
            with self._news:
                while not self._is_closed and (wait := self._seconds_to_next()) > 0:
                    self._news.wait(None if wait == NEVER else wait)
                if self._is_closed:
                    break
                _, place, call = heapq.heappop(self._early)
            if place <= self._stopped_at:
                self._give_back(call)
            else:
                self._due.put((place, call))
        for _ in range(self._at_once):
            self._due.put(None)

    def _seconds_to_next(self) -> float:
        if not self._early:
            return NEVER
        at, place, _ = self._early[0]
        return 0.0 if place <= self._stopped_at else self._seconds_until(at)

    def _make_due(self) -> None:
        while (due := self._due.get()) is not None:
            self._tell(self._make(due[1]) if self._may_leave(*due) else Answer(due[1].key, GraphNotTried()))

    def _may_leave(self, place: int, call: Call) -> bool:
        if place <= max(self._stopped_at, self._in_doubt.get(call.phone_number_id, 0)):
            return False
        return self._seconds_until(call.at) > -LATE_SECONDS

    def _give_back(self, call: Call) -> None:
        self._tell(Answer(call.key, GraphNotTried()))

    def _make(self, call: Call) -> Answer:
        fault_points.reach(Point.CALLING)
        started, trouble = time.perf_counter(), ""
        outcome: SendResult | GraphError
        try:
            outcome = self._graph.send_json(call.phone_number_id, call.payload, call.token)
        except GraphError as error:
            outcome = error
        except Exception as error:  # a bug of ours: nobody knows how far it came
            outcome = GraphUnknown(meta={"reason": type(error).__name__})
            last = traceback.extract_tb(error.__traceback__)[-1]
            trouble = f"{type(error).__name__} at {os.path.basename(last.filename)}:{last.lineno} in {last.name}"
        seconds = time.perf_counter() - started
        fault_points.reach(Point.ANSWERED)
        self._note(call.phone_number_id, outcome)
        return Answer(call.key, outcome, seconds, trouble)

    def _note(self, phone_number_id: str, outcome: SendResult | GraphError) -> None:
        if not leaves_doubt(outcome):
            self._doubts[phone_number_id] = 0
            return
        self._doubts[phone_number_id] += 1
        if self._doubts[phone_number_id] >= DOUBTS:
            self._in_doubt[phone_number_id] = self._last_place


NEVER = float("inf")

"""Make the HTTP calls of queued sends: each at its own time, a bounded number at once."""

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

from app.domain.rate_limits import BREAKER_THRESHOLD
from app.errors import GraphError, GraphNotTried, GraphUnknown
from app.graph.answers import SendResult, is_ambiguous
from app.graph.client import GraphClient
from app.process import fault_points
from app.process.fault_points import Point

Json = dict[str, Any]

MAX_LATENESS_SECONDS = 10.0
"""A call that could not start so long after its time, because earlier calls take long, is answered `GraphNotTried`."""

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class SendCall:
    """One call to start at `at` (seconds since the epoch). `payload` is JSON. Its result carries the same `key`."""

    key: str
    phone_number_id: str
    payload: str
    token: str
    at: float


@dataclass(frozen=True, slots=True)
class CallResult:
    """The result of one call. `seconds` is how long it took; `bug` names the line of an unexpected exception."""

    key: str
    result: SendResult | GraphError
    seconds: float = 0.0
    bug: str = ""

    def as_json(self) -> Json:
        """Return the result as a JSON object, to be sent to another process."""
        base: Json = {"key": self.key, "seconds": self.seconds, "bug": self.bug}
        if isinstance(self.result, SendResult):
            return base | {"result": asdict(self.result)}
        error = self.result
        meta = {"message": error.message, "meta": error.meta, "retry_after": error.retry_after}
        return base | {"error": type(error).__name__, **meta}

    @classmethod
    def from_json(cls, data: Json) -> CallResult:
        """Build a result from what `as_json` returned."""
        result: SendResult | GraphError
        if "result" in data:
            result = SendResult(**data["result"])
        else:
            kind = _ERRORS[data["error"]]
            result = kind(data["message"], meta=data["meta"], retry_after=data["retry_after"])
        return cls(data["key"], result, data["seconds"], data["bug"])


_ERRORS = {kind.__name__: kind for kind in GraphError.__subclasses__()}


class Caller(Protocol):
    """Makes calls, in this process or in another, and reports the result of each call exactly once."""

    def is_ready(self) -> bool:
        """Whether a call accepted now would start at its time."""

    def begin(self, calls: Sequence[SendCall]) -> None:
        """Accept calls and return at once."""

    def stop(self) -> None:
        """Start no more calls: report waiting ones as `GraphNotTried`, and let running ones finish."""

    def close(self) -> None:
        """Release everything; running calls may be lost."""


class ThreadCaller:
    """A `Caller` that runs calls in threads of this process, at most `max_in_flight` at once.

    After `BREAKER_THRESHOLD` ambiguous results in a row it reports all calls that it had accepted for that number as
    `GraphNotTried`. So no more messages have an unknown outcome than there were calls in flight.
    """

    def __init__(
        self,
        graph: GraphClient,
        max_in_flight: int,
        report: Callable[[CallResult], None],
        seconds_until: Callable[[float], float] = lambda at: at - time.time(),
    ) -> None:
        """`report` is called from any thread. `seconds_until` returns the seconds left until a time."""
        self._graph = graph
        self._report = report
        self._seconds_until = seconds_until
        self._serials = itertools.count(1)
        self._last_serial = 0
        self._scheduled: list[tuple[float, int, SendCall]] = []
        self._changed = threading.Condition()
        self._due: queue.SimpleQueue[tuple[int, SendCall] | None] = queue.SimpleQueue()
        self._ambiguous_failures: Counter[str] = Counter()
        self._refused_up_to: dict[str, int] = {}
        self._stopped_at = 0
        self._is_closed = False
        self._max_in_flight = max_in_flight
        threading.Thread(target=self._schedule, name="send-schedule", daemon=True).start()
        for _ in range(max_in_flight):
            threading.Thread(target=self._work, name="send-call", daemon=True).start()

    def is_ready(self) -> bool:
        """Always true: the threads exist from the start."""
        return True

    def begin(self, calls: Sequence[SendCall]) -> None:
        """Accept calls and return at once."""
        with self._changed:
            for call in calls:
                self._last_serial = next(self._serials)
                heapq.heappush(self._scheduled, (call.at, self._last_serial, call))
            self._changed.notify()

    def stop(self) -> None:
        """Report all calls that have not started as `GraphNotTried`."""
        with self._changed:
            self._stopped_at = self._last_serial
            self._changed.notify()
        with suppress(queue.Empty):
            while (due := self._due.get_nowait()) is not None:
                self._not_tried(due[1])

    def close(self) -> None:
        """End each thread when its current call is over."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _schedule(self) -> None:
        while True:
            with self._changed:
                while not self._is_closed and (wait := self._seconds_to_next()) > 0:
                    self._changed.wait(None if wait == NEVER else wait)
                if self._is_closed:
                    break
                _, serial, call = heapq.heappop(self._scheduled)
            if serial <= self._stopped_at:
                self._not_tried(call)
            else:
                self._due.put((serial, call))
        for _ in range(self._max_in_flight):
            self._due.put(None)

    def _seconds_to_next(self) -> float:
        if not self._scheduled:
            return NEVER
        at, serial, _ = self._scheduled[0]
        return 0.0 if serial <= self._stopped_at else self._seconds_until(at)

    def _work(self) -> None:
        while (due := self._due.get()) is not None:
            serial, call = due
            if self._may_start(serial, call):
                self._report(self._make(call))
            else:
                self._not_tried(call)

    def _may_start(self, serial: int, call: SendCall) -> bool:
        if serial <= max(self._stopped_at, self._refused_up_to.get(call.phone_number_id, 0)):
            return False
        return self._seconds_until(call.at) > -MAX_LATENESS_SECONDS

    def _not_tried(self, call: SendCall) -> None:
        self._report(CallResult(call.key, GraphNotTried()))

    def _make(self, call: SendCall) -> CallResult:
        fault_points.reach(Point.CALLING)
        started, bug = time.perf_counter(), ""
        result: SendResult | GraphError
        try:
            result = self._graph.send_json(call.phone_number_id, call.payload, call.token)
        except GraphError as error:
            result = error
        except Exception as error:  # a bug of ours: whether the request left is not known
            result = GraphUnknown(meta={"reason": type(error).__name__})
            last = traceback.extract_tb(error.__traceback__)[-1]
            bug = f"{type(error).__name__} at {os.path.basename(last.filename)}:{last.lineno} in {last.name}"
        seconds = time.perf_counter() - started
        fault_points.reach(Point.ANSWERED)
        self._note(call.phone_number_id, result)
        return CallResult(call.key, result, seconds, bug)

    def _note(self, phone_number_id: str, result: SendResult | GraphError) -> None:
        if not is_ambiguous(result):
            self._ambiguous_failures[phone_number_id] = 0
            return
        self._ambiguous_failures[phone_number_id] += 1
        if self._ambiguous_failures[phone_number_id] >= BREAKER_THRESHOLD:
            self._refused_up_to[phone_number_id] = self._last_serial

"""Send queued messages: dequeue due sends, pass their calls to the child process, and record their outcomes."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable

from app import clock, metrics, metrics_exemplars, traces
from app.errors import GraphError, Unavailable
from app.graph.send_calls import Caller, CallResult
from app.jobs.loops import POLL_SECONDS
from app.logs import get_logger
from app.process import fault_points
from app.process.fault_points import Point
from app.services.sending import DueSend, SendOutcome, SendQueue

PREFETCH, PREFETCH_WHEN_FAST = 1, 4
"""How many calls may wait for their time or for a free connection, per call that may be in flight. More while Meta
answers fast, so that the next calls are ready during a longer transaction."""

DRAIN_SECONDS = 21.0
"""How long `stop` waits for the results of calls in flight. Longer than the timeout of a call to Graph."""

logger = get_logger(__name__)


class Sender:
    """The send loop of one worker. Only one thread may call `work` and `stop`."""

    def __init__(
        self, sends: SendQueue, start_caller: Callable[[Callable[[CallResult], None]], Caller], max_in_flight: int
    ) -> None:
        self._sends = sends
        self._max_in_flight = max_in_flight
        self._results: queue.SimpleQueue[CallResult] = queue.SimpleQueue()
        self._caller = start_caller(self._results.put)
        self._in_flight: dict[str, DueSend] = {}
        self._unrecorded: list[SendOutcome] = []
        self._polled_at = 0.0

    def work(self) -> bool:
        """Record outcomes and start the next sends; return False if there was nothing to do. Raises `Unavailable`."""
        self._collect(self._polled_at + POLL_SECONDS)
        self._polled_at = time.monotonic()
        capacity = self._capacity() if self._caller.is_ready() and not clock.is_too_far() else 0
        is_idle = not self._unrecorded and not self._sends.has_unconfirmed
        if is_idle and not (capacity and self._sends.has_due()):
            return False
        batch_size = self._sends.batch_size
        sends = self._exchange(batch_size, capacity)
        fault_points.reach(Point.LEAVING if sends else Point.RECORDED)
        if sends:
            calls = [send.call() for send in sends]
            self._in_flight |= {send.key: send for send in sends}
            self._caller.begin(calls)
            fault_points.reach(Point.HANDED)
        if len(sends) == batch_size:
            self._polled_at = 0.0  # more sends may be due: poll again without a pause
        return True

    def is_at_rest(self) -> bool:
        """Whether no call is under way and every outcome is recorded."""
        return not self._in_flight and not self._unrecorded and not self._sends.has_unconfirmed

    def stop(self) -> None:
        """Start no more calls, wait for those in flight, and record every outcome."""
        self._caller.stop()
        deadline = time.monotonic() + DRAIN_SECONDS
        try:
            while self._unrecorded or (self._in_flight and time.monotonic() < deadline):
                self._collect(time.monotonic() + POLL_SECONDS)
                if self._unrecorded:
                    self._exchange(self._sends.batch_size, 0)
        except Unavailable:
            logger.warning("answers could not be recorded; Meta's reports will tell what became of these sends")
        self._caller.close()

    def _exchange(self, batch_size: int, capacity: int) -> list[DueSend]:
        """Record one batch of outcomes and dequeue. Raises `Unavailable`; then the outcomes stay unrecorded."""
        outcomes = self._unrecorded[:batch_size]
        try:
            sends = self._sends.exchange(outcomes, capacity)
        except Unavailable:
            raise
        except Exception:
            if not outcomes:
                raise
            logger.exception("answers could not be recorded together; trying each by itself")
            sends = []
            for outcome in outcomes:
                self._record_alone(outcome)
        self._unrecorded = self._unrecorded[batch_size:]
        return sends

    def _record_alone(self, outcome: SendOutcome) -> None:
        """Record one outcome. If that fails, its send becomes unknown later, as after a crash; the others go on."""
        try:
            self._sends.exchange([outcome], 0)
        except Unavailable:
            raise
        except Exception:
            logger.exception("an answer could not be recorded", extra=outcome.send.labels)

    def _capacity(self) -> int:
        is_fast = len(self._unrecorded) > self._max_in_flight // 2
        prefetch = PREFETCH_WHEN_FAST if is_fast else PREFETCH
        return max(0, (1 + prefetch) * self._max_in_flight - len(self._in_flight))

    def _collect(self, until: float) -> None:
        """Take the available results, and wait for more until a monotonic time or until a batch is three quarters full.
        """
        enough = self._sends.batch_size * 3 // 4
        while True:
            left = until - time.monotonic() if len(self._unrecorded) < enough else 0.0
            try:
                result = self._results.get(timeout=left) if left > 0 else self._results.get_nowait()
            except queue.Empty:
                break
            send = self._in_flight.pop(result.key)
            if result.bug:
                logger.error("a send broke", extra=send.labels | {"reason": result.bug})
            self._unrecorded.append(SendOutcome(send, result.result))
            if result.seconds:
                request_id = send.queued.get("request_id") or ""
                metrics_exemplars.observe(metrics.graph_seconds, result.seconds, request_id)
                has_failed = isinstance(result.result, GraphError)
                traces.record("send", request_id, result.seconds, has_failed=has_failed, message_id=send.message_id)

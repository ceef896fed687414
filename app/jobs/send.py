"""Send what waits in the queue: a lane that gives out turns, and threads that wait for Graph."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from app import fault_points, metrics
from app.errors import GraphError, GraphUnknown
from app.fault_points import Point
from app.graph.answers import SendResult
from app.graph.client import GraphClient
from app.logs import get_logger
from app.services.sending.queue import Arrival, Departure, SendQueue

LAST_ANSWERS_SECONDS = 21.0
"""How long a stop waits for answers that are under way."""

logger = get_logger(__name__)


class Sender:
    """One worker's share of sending. `work` is called by one thread only."""

    def __init__(self, sends: SendQueue, graph: GraphClient, threads: int, now: Callable[[], datetime]) -> None:
        self._sends = sends
        self._graph = graph
        self._threads = threads
        self._now = now
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="send")
        self._under_way = 0
        self._arrived: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        self._unrecorded: list[Arrival] = []

    def work(self) -> bool:
        """Record what came back and let the next leave; False when there was nothing to do."""
        self._collect()
        if not self._unrecorded and not self._sends.has_due():
            return False
        # While Meta answers at once, some wait for a thread: it then has the next when it has sent the last.
        behind = 2 * self._threads if len(self._unrecorded) >= self._threads // 2 else 0
        departures = self._sends.exchange(self._unrecorded, max(0, self._threads + behind - self._under_way))
        fault_points.reach(Point.LEAVING if departures else Point.RECORDED)
        had_news = bool(self._unrecorded)
        self._unrecorded = []
        self._under_way += len(departures)
        for departure in departures:
            self._pool.submit(self._send, departure)
        return had_news or bool(departures)

    def stop(self) -> None:
        """Wait for what is under way, and record it."""
        deadline = time.monotonic() + LAST_ANSWERS_SECONDS
        while self._under_way and time.monotonic() < deadline:
            time.sleep(0.05)
            self._collect()
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._unrecorded:
            self._sends.exchange(self._unrecorded, 0)

    def _collect(self) -> None:
        while not self._arrived.empty():
            self._unrecorded.append(self._arrived.get())
            self._under_way -= 1

    def _send(self, departure: Departure) -> None:
        early = (departure.at - self._now()).total_seconds()
        if early > 0:
            time.sleep(early)
        fault_points.reach(Point.CALLING)
        number, started = departure.number, time.perf_counter()
        answer: SendResult | GraphError
        try:
            answer = self._graph.send(number.phone_number_id, departure.payload, number.access_token)
        except GraphError as error:
            answer = error
        except Exception as error:  # a bug of ours: nobody knows how far it came
            logger.exception("a send broke", extra={"message_id": departure.message_id})
            answer = GraphUnknown(meta={"reason": type(error).__name__})
        metrics.graph_seconds.observe(time.perf_counter() - started)
        fault_points.reach(Point.ANSWERED)
        self._arrived.put(Arrival(departure, answer))

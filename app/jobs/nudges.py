"""Nudges: messages of the broker that say only that a lane has work. What there is to do is in the database.

So the broker may lose them, repeat them or give them out of order, and a purged queue costs nothing: as long as there
is work, new ones follow.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from app import metrics
from app.jobs.lanes import LANES, Lane, Queue

if TYPE_CHECKING:

    from celery import Celery

ANSWER_SECONDS = 2.0
"""How long the broker may take to answer. One that is out of memory takes messages and never confirms them."""

MOST_WAITING = {queue: 2 * sum(lane.queue is queue for lane in LANES) for queue in Queue}
"""Messages of a queue beyond which no more are published: nobody takes them, and each says the same as the first."""


class BrokerAway(Exception):
    """The broker cannot be reached, or does not answer. Whether the message was taken is not known."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Nudges:
    """Publishes nudges by one connection, which is opened when it is needed. Thread-safe.

    A call takes at most some seconds, however the broker behaves.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._connection: Any = None
        self._channel: Any = None
        self._mutex = threading.Lock()

    def check(self) -> None:
        """Ask the broker for an answer. Raises `BrokerAway`."""
        with self._mutex:
            self._try(lambda: self._waiting(Queue.PROCESS))

    def offer(self, lane: Lane) -> bool:
        """Publish a nudge unless enough wait in the lane's queue; return whether it was. Raises `BrokerAway`."""
        queue = lane.queue
        assert queue is not None
        with self._mutex:
            if self._try(lambda: self._waiting(queue)) >= MOST_WAITING[queue]:
                metrics.nudges.labels(queue, "enough").inc()
                return False
            self._try(lambda: self._publish(lane))
        metrics.nudges.labels(queue, "published").inc()
        return True

    def close(self) -> None:
        """Close the connection."""
        with self._mutex:
            self._drop()

    def _try(self, act: Any) -> Any:
        """Call `act` with a channel that is open. Raises `BrokerAway`; the next call then connects anew."""
        try:
            if self._channel is None:
                self._connect()
            return act()
        except Exception as error:  # of amqp, of redis, of the operating system
            self._drop()
            raise BrokerAway(type(error).__name__) from error

    def _connect(self) -> None:
        connection = self._app.connection_for_write(transport_options=self._limits())
        self._connection = connection
        connection.connect()
        self._channel = connection.channel()

    def _limits(self) -> dict[str, Any]:
        """Timeouts of this connection alone: one that waits for messages is silent for long."""
        if self._app.conf.broker_url.startswith("amqp"):
            return {"read_timeout": ANSWER_SECONDS, "write_timeout": ANSWER_SECONDS}
        return {"socket_timeout": ANSWER_SECONDS}

    def _waiting(self, queue: Queue) -> int:
        """Return how many messages wait. Declares the queue: it may be gone, and Redis has none that are empty."""
        return int(self._app.amqp.queues[queue](self._channel).queue_declare().message_count)

    def _publish(self, lane: Lane) -> None:
        producer = self._app.amqp.Producer(self._channel, auto_declare=False)
        self._app.tasks[lane.name].apply_async(producer=producer, retry=False)

    def _drop(self) -> None:
        """Close the socket and nothing more: a farewell would wait for a broker that does not answer."""
        connection, self._connection, self._channel = self._connection, None, None
        raw = getattr(connection, "_connection", None)
        with suppress(Exception):
            if raw is not None and hasattr(raw, "collect"):
                raw.collect()
            elif connection is not None:
                connection.release()

"""Celery's worker with this gateway's lanes in it, started by `celery … worker` or by `flask worker`."""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import partial
from types import FrameType
from typing import Any

from celery.apps.worker import Worker
from celery.worker import state
from celery.worker.consumer import Consumer

from app.container import Gateway
from app.jobs import celery_process
from app.jobs.celery_process import Carrying
from app.jobs.lanes import Queue
from app.jobs.standing_back import begin_anew
from app.jobs.starting import refuse_later_schema, serve_metrics, tune_interpreter
from app.logs import get_logger
from app.process import console, draining
from app.process.supervisor import PARENT_PID

LOOK_SECONDS = 1.0
ANEW_SECONDS = 2.0

logger = get_logger(__name__)


class GatewayConsumer(Consumer):  # type: ignore[misc]
    """Celery's consumer without the 28 queues that it would declare for tasks with a time at which they are due.

    It also survives that a connection cannot be closed: kombu 5.7 raises an AttributeError where Redis is away and a
    message was not acknowledged yet, and Celery 5.7 then ends the worker.
    """

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]
        """Its steps."""

        default_steps = [
            step for step in Consumer.Blueprint.default_steps if not str(step).endswith(":DelayedDelivery")
        ]

    def ensure_connected(self, conn: Any) -> Any:
        """Wait until the broker takes connections; look at least every five seconds, where Celery's pauses grow."""
        conn.ensure_connection = partial(conn.ensure_connection, interval_step=1, interval_max=5)
        return super().ensure_connected(conn)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Drop the connection that failed; Celery then connects anew."""
        try:
            super().on_connection_error_after_connected(exc)
        except Exception:
            logger.warning("the broken connection to the broker could not be closed properly")
            self.connection = None


class GatewayWorker(Worker):  # type: ignore[misc]
    """A worker whose tasks are rounds of lanes. On SIGTERM and SIGINT rounds end, then claims are released."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._is_asked = threading.Event()
        super().__init__(*args, **kwargs)

    def on_start(self) -> None:
        """Start the lanes of the queues that this worker serves, then what Celery starts."""
        from app.jobs.celery_app import app, config

        if self.pool_cls.__module__ not in {"celery.concurrency.thread", "celery.concurrency.solo"}:
            raise SystemExit("Run this worker with -P threads (the default): its tasks share one process.")
        gateway = celery_process.gateway_of(config)
        refuse_later_schema(gateway.database)
        queues = [Queue(name) for name in app.amqp.queues.consume_from if name in set(Queue)]
        self._carrying = Carrying(gateway, app, queues)
        celery_process.carry(self._carrying)
        super().on_start()
        self._hear_signals()
        serve_metrics(gateway)
        self._carrying.start()
        tune_interpreter()
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def start(self) -> None:
        """Run until asked to stop. After an error of Celery's that nothing could recover from, begin anew."""
        super().start()
        if self.exitcode and not self._is_asked.is_set() and hasattr(self, "_carrying"):
            logger.error("Celery gave up, beginning anew", extra={"pid": os.getpid()})
            time.sleep(ANEW_SECONDS)
            begin_anew()

    def stop(self, in_sighandler: bool = False, exitcode: int | None = None) -> None:
        """Wait for tasks, record what is under way, and release the other claims."""
        carrying = getattr(self, "_carrying", None)
        if carrying is not None:
            carrying.begin_stop()
        super().stop(in_sighandler=in_sighandler, exitcode=exitcode)
        if carrying is not None and not in_sighandler:
            carrying.close()
            if carrying.refused is not None:
                raise carrying.refused

    def _hear_signals(self) -> None:
        """Let SIGTERM and SIGINT stop this worker as its server's other processes are stopped."""

        def on_signal(_number: int, _frame: FrameType | None) -> None:
            self._is_asked.set()
            self._carrying.begin_stop()
            state.should_stop = 0

        draining.follow(on_signal)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` ignores it, and this process should go on
            signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))
        signal.signal(signal.SIGUSR1, lambda _number, _frame: console.reopen())
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)

    def _watch(self) -> None:
        """Stop when this worker must not go on, or the server that started it is gone."""
        parent = int(os.environ.get(PARENT_PID) or 0) if with_parent else 0
        while not self._carrying.on_refused.wait(LOOK_SECONDS):
            if parent and os.getppid() != parent:
                logger.warning("the web process is gone; stopping")
                break
        self._is_asked.set()
        self._carrying.begin_stop()
        state.should_stop = 0


with_parent = False
"""Whether this worker ends with the process that started it. Set before it starts."""


def run_celery_worker(gateway: Gateway, *, is_child: bool) -> int:
    """Run a worker for every queue until a signal arrives or, for a child, its parent process ends.

    Returns the code to exit with. Raises `ConfigError` if another worker on this database has another encryption key.
    """
    from app.jobs.celery_app import app

    global with_parent
    with_parent = is_child
    celery_process.use(gateway)
    worker = app.Worker(
        hostname=f"worker-{os.getpid()}@%h", loglevel="INFO", quiet=True, without_gossip=True, without_mingle=True,
    )  # fmt: skip
    worker.start()
    return int(worker.exitcode or 0)

"""The worker process: runs its loops until a signal arrives or its parent process ends."""

from __future__ import annotations

import os
import platform
import signal
import threading
import time
from contextlib import suppress
from types import FrameType

from app import metrics
from app.config.errors import ConfigError
from app.container import Gateway
from app.errors import Unavailable
from app.jobs.crew import Crew
from app.jobs.lane_work import Bench
from app.jobs.limited import Limit
from app.jobs.loops import Loops
from app.jobs.standing_back import LOOK_SECONDS as STANDING_BACK_SECONDS
from app.jobs.standing_back import begin_anew, is_beside_embedded, wait_for_turn
from app.jobs.starting import serve_metrics, tune_interpreter
from app.logs import get_logger
from app.process import console, draining
from app.process.supervisor import PARENT_PID
from app.services.operations import SharedSettings

logger = get_logger(__name__)


def run_worker(gateway: Gateway, *, with_parent: bool, limit: Limit | None = None) -> None:
    """Run until SIGTERM or SIGINT, or until `limit`; then finish the work in progress and release the claims of queued
    work.

    With `with_parent`, as for an embedded worker, also stop when the parent process ends. Otherwise, with
    WORKER=embedded, wait while an embedded worker is alive, and restart to wait again when one appears. Raises
    `ConfigError` if another worker on this database has another encryption key.
    """
    stop = threading.Event()
    _hear_signals(stop)
    gives_way = not with_parent and gateway.config.worker == "embedded"
    if gives_way:
        _wait_for_turn(gateway, stop, limit)
    if stop.is_set():
        return
    gateway.shared_settings.is_embedded = with_parent
    metrics.warn_of_trouble()
    with suppress(Unavailable):  # the heartbeat loop repeats it until the database can be used
        gateway.shared_settings.beat(platform.node())
    serve_metrics(gateway)
    refused: list[ConfigError] = []

    def refuse(error: ConfigError) -> None:
        refused.append(error)
        stop.set()

    bench = Bench(gateway, refuse)
    crew = Crew(bench)
    loops = Loops(crew.loops(), bench.stopping)
    gateway.database.wakeups.listen()
    loops.start()
    if limit is not None:
        limit.watch(gateway, stop)
    logger.info("worker started", extra={"pid": os.getpid()})
    gateway.doctor.log_problems_at_start()
    tune_interpreter()
    has_given_way = _wait_for_end(stop, gateway.shared_settings, with_parent=with_parent, gives_way=gives_way)
    crew.begin_stop()
    loops.stop()
    gateway.database.wakeups.stop()
    crew.close()
    logger.info("worker stopped", extra={"pid": os.getpid()})
    if refused:
        raise refused[0]
    if has_given_way:
        begin_anew()


def _wait_for_turn(gateway: Gateway, stop: threading.Event, limit: Limit | None) -> None:
    """Wait while an embedded worker is alive. One with a limit does not wait: `stop` is set at once."""
    if limit is None:
        wait_for_turn(gateway.shared_settings, stop)
    elif is_beside_embedded(gateway.shared_settings):
        logger.warning("the web server's own worker is at work, so this one ends at once")
        stop.set()


def _hear_signals(stop: threading.Event) -> None:
    """Install signal handlers: SIGTERM, SIGINT and SIGHUP set `stop`; SIGUSR1 reopens the console's file."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    draining.follow(on_signal)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` ignores it, and this process should go on
        signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))
    signal.signal(signal.SIGUSR1, lambda _number, _frame: console.reopen())
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)


def _wait_for_end(stop: threading.Event, settings: SharedSettings, *, with_parent: bool, gives_way: bool) -> bool:
    """Wait until this worker must end. Return True if the reason is that an embedded worker is alive.

    That is checked only if `gives_way`.
    """
    parent = int(os.environ.get(PARENT_PID) or os.getppid())
    next_look = 0.0
    while not stop.wait(1.0):
        if with_parent and os.getppid() != parent:
            logger.warning("the web process is gone; stopping")
            return False
        if gives_way and time.monotonic() >= next_look:
            next_look = time.monotonic() + STANDING_BACK_SECONDS
            if is_beside_embedded(settings):
                return True
    return False

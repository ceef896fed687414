"""The worker process: lanes of work, until it is told to stop or the process that started it is gone."""

from __future__ import annotations

import os
import platform
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType

from app import clock, metrics
from app.container import Gateway
from app.errors import ConfigError, Unavailable
from app.jobs.alert_loops import alarm_lanes
from app.jobs.clock_loop import clock_lane
from app.jobs.deliver import DeliverDue
from app.jobs.loops import LOOK_SECONDS, Lane, Lanes, Once
from app.jobs.process import process_due
from app.jobs.send import Sender
from app.jobs.standing_back import LOOK_SECONDS as STANDING_BACK_SECONDS
from app.jobs.standing_back import begin_anew, is_beside_embedded, wait_for_turn
from app.logs import get_logger
from app.process import console, draining
from app.process.supervisor import PARENT_PID
from app.services.messages import index_contacts, index_messages
from app.services.operations.shared_settings import HANDLERS, SharedSettings
from app.services.operations.traffic import count_traffic

HEARTBEAT_SECONDS = 5.0
PROBE_SECONDS = 1.0

HANDLERS_SECONDS = 1.0
"""Between two looks whether handlers must be loaded, or have changed. One costs nothing."""

INDEX_SECONDS = 0.05
INDEX_REST = 3
"""After a portion of messages was made findable, so many times as long as it took is left for all else."""

logger = get_logger(__name__)


def run_worker(gateway: Gateway, *, with_parent: bool) -> None:
    """Work until SIGTERM or SIGINT, then finish what is begun and give back the rest.

    `with_parent`: also stop when the parent process is gone, as an embedded worker must. Raises `ConfigError` when
    another worker on this database has another encryption key.
    """
    stop = threading.Event()
    _hear_signals(stop)
    gives_way = not with_parent and gateway.config.worker == "embedded"
    if gives_way:
        wait_for_turn(gateway.shared_settings, stop)
    if stop.is_set():
        return
    gateway.shared_settings.is_embedded = with_parent
    metrics.warn_of_trouble()
    with suppress(Unavailable):  # then the heartbeat says it, as soon as the database is there
        gateway.shared_settings.beat(platform.node())
    _serve_metrics(gateway.config.metrics_port)
    refused: list[ConfigError] = []

    def refuse(error: ConfigError) -> None:
        refused.append(error)
        stop.set()

    sender = Sender(gateway.sends, gateway.start_caller, gateway.config.worker_threads)
    deliver = DeliverDue(
        gateway.database, gateway.endpoints, gateway.deliver, gateway.now, threads=gateway.config.worker_threads,
        serves=gateway.deliver.serves,
    )  # fmt: skip
    lanes = _lanes(gateway, sender, deliver, refuse)
    lanes.start()
    logger.info("worker started", extra={"pid": os.getpid()})
    has_given_way = _wait_for_end(stop, gateway.shared_settings, with_parent=with_parent, gives_way=gives_way)
    if gateway.handlers is not None:
        gateway.handlers.begin_stop()
    lanes.stop()
    sender.stop()
    with suppress(Unavailable):
        gateway.shared_settings.leave()
        gateway.database_use.end()
    deliver.close()
    gateway.post_event.close()
    if gateway.handlers is not None:
        gateway.handlers.close()
    gateway.database.dispose()
    logger.info("worker stopped", extra={"pid": os.getpid()})
    if refused:
        raise refused[0]
    if has_given_way:
        begin_anew()


def _hear_signals(stop: threading.Event) -> None:
    """Have SIGTERM, SIGINT and a terminal that hangs up set `stop`, and SIGUSR1 open the console's file again."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    draining.follow(on_signal)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as `nohup` has it
        signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))
    signal.signal(signal.SIGUSR1, lambda _number, _frame: console.reopen())
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)


def _wait_for_end(stop: threading.Event, settings: SharedSettings, *, with_parent: bool, gives_way: bool) -> bool:
    """Wait until this worker must end. Return whether that is because an embedded one has come, where it gives way."""
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


def _serve_metrics(port: int) -> None:
    if not port:
        return
    try:
        metrics.serve(port)
    except OSError as error:
        # Numbers are worth less than the work: a second worker on this machine goes without.
        logger.warning("METRICS_PORT is taken; this worker serves no metrics", extra={"error": type(error).__name__})


def _sweep(gateway: Gateway) -> bool:
    """Settle what time has settled. There is never more at once."""
    settled = gateway.sweep_sends.reap_orphans()
    if settled:
        logger.warning("sends lost their process and are unknown", extra={"count": settled})
    unreported = gateway.sweep_sends.resolve_unknown()
    if unreported:
        logger.warning("Meta never said what became of sends", extra={"count": unreported})
    expired = gateway.sweep_sends.expire()
    if expired:
        logger.warning("sends expired before their turn came", extra={"count": expired})
    gateway.sweep_sends.resend_unlikely()
    gateway.sweep_sends.purge()
    return False


def _lanes(gateway: Gateway, sender: Sender, deliver: DeliverDue, refuse: Callable[[ConfigError], None]) -> Lanes:
    host = platform.node()
    # Whoever is to be told of events must be there before the first is written.
    prepare = Once(
        gateway.directory.follow_settings, lambda: gateway.shared_settings.beat(host), lambda: follow_handlers()
    )  # fmt: skip
    lanes: Lanes

    def follow_handlers() -> bool:
        if gateway.shared_settings.may_follow(HANDLERS):
            return gateway.follow_handlers()
        gateway.follow_handlers.forget()
        return False

    def process() -> bool:
        return not clock.is_too_far() and process_due(gateway, lanes.is_stopping)

    def say_alive() -> bool:
        try:
            gateway.shared_settings.beat(host)
        except ConfigError as error:
            refuse(error)
            return False
        gateway.database_use.beat()
        return False

    def index() -> bool:
        started = time.perf_counter()
        if index_messages(gateway.database) | index_contacts(gateway.database):
            time.sleep(INDEX_REST * (time.perf_counter() - started))
        return False

    def count() -> bool:
        return count_traffic(gateway.database, gateway.now())

    lanes = Lanes(
        [
            Lane("process", process, LOOK_SECONDS, first=prepare),
            # These two wait by themselves, for an answer or for the next look.
            Lane("send", sender.work, 0.0, first=gateway.database_use.begin),
            Lane("deliver", deliver, 0.0, first=prepare),
            Lane("handlers", follow_handlers, HANDLERS_SECONDS, first=prepare),
            Lane("heartbeat", say_alive, HEARTBEAT_SECONDS),
            Lane("probe", gateway.probe_numbers, PROBE_SECONDS),
            Lane("sweep", partial(_sweep, gateway), HEARTBEAT_SECONDS),
            clock_lane(gateway),
            Lane("search", index, INDEX_SECONDS),
            *alarm_lanes(gateway),
            Lane("count", count, HEARTBEAT_SECONDS),
        ]
    )
    return lanes

"""What one process of Celery's has beside Celery: the services, its lanes, the relay and the schedule."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Collection
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from app import __version__, metrics
from app.config.errors import ConfigError
from app.config.settings import Config
from app.container import Gateway
from app.errors import Unavailable
from app.jobs.crew import Crew
from app.jobs.lane_runner import LaneRunner
from app.jobs.lane_work import Bench, Work
from app.jobs.lanes import Lane, Queue
from app.jobs.lease import Lease, is_alive
from app.jobs.loops import POLL_SECONDS, Loop, Loops
from app.jobs.nudges import Nudges
from app.jobs.relay import Relay
from app.logs import configure_logging, get_logger
from app.process import console
from app.store import upkeep

if TYPE_CHECKING:
    from celery import Celery

    from app.jobs.beat import LeasedScheduler

LOOK_SECONDS = 1.0
"""Interval at which a process looks whether the broker carries the work."""

CLOCK_LOOK_SECONDS = 0.5
"""Interval at which lanes that the clock starts are looked at in this process, for the time without a broker."""

logger = get_logger(__name__)


_gateways: list[Gateway] = []


def use(gateway: Gateway) -> None:
    """Have these be the services of this process."""
    _gateways[:] = [gateway]


def gateway_of(config: Config) -> Gateway:
    """Return the services of this process."""
    if not _gateways:
        use(Gateway.build(config, __version__))
    return _gateways[0]


@cache
def configure_logs(config: Config) -> None:
    """Write logs as the worker without a broker does."""
    console.install()
    configure_logging(config, "worker")


class Carrying:
    """The lanes of some queues in this process, worked on by Celery's tasks; by leases the relay and the schedule.

    Celery may call `runner` once `start` has returned. `refused` is why this worker must not go on, if so.
    """

    def __init__(self, gateway: Gateway, app: Celery, queues: Collection[Queue]) -> None:
        self._gateway = gateway
        self._bench = Bench(gateway, self._refuse)
        self._crew = Crew(self._bench, queues)
        self._is_carried = True
        self._nudges = Nudges(app)
        self._relay = Relay(
            gateway, self._nudges, Lease(gateway.database, upkeep.RELAY, gateway.now), self._bench.stopping.wait
        )
        self._runners = {
            lane.name: self._runner(lane, work) for lane, work in self._crew.works if lane.queue is not None
        }
        self._scheduler = self._beat(app)
        self._loops = Loops([*self._own_loops(), *self._standing_in(), *self._roles()], self._bench.stopping)
        self.refused: ConfigError | None = None
        self.on_refused: threading.Event = threading.Event()

    def start(self) -> None:
        """Start the loops of this process."""
        metrics.warn_of_trouble()
        with suppress(Unavailable):  # the heartbeat repeats it until the database can be used
            self._gateway.shared_settings.beat(platform.node())
        self._loops.start()
        logger.info("worker started", extra={"pid": os.getpid()})

    def runner(self, name: str) -> LaneRunner | None:
        """Return the lane of a task; None if the settings turn it off."""
        return self._runners.get(name)

    def begin_stop(self) -> None:
        """Begin no round any more, and let those that run end early. Any thread may call it."""
        self._crew.begin_stop()

    def close(self) -> None:
        """Record what is under way, give back the rest, and leave. No task may run any more."""
        self.begin_stop()
        self._loops.stop()
        with suppress(Unavailable):
            self._relay.close()
        self._scheduler.close()
        self._nudges.close()
        self._crew.close()
        logger.info("worker stopped", extra={"pid": os.getpid()})

    def _refuse(self, error: ConfigError) -> None:
        self.refused = error
        self.on_refused.set()

    def _runner(self, lane: Lane, work: Work) -> LaneRunner:
        look = lane.is_due
        is_due = None if look is None else lambda: look(self._gateway)
        return LaneRunner(lane, work, is_due, lambda: self._is_carried, self._bench.stopping)

    def _own_loops(self) -> list[Loop]:
        return [loop for (lane, _), loop in zip(self._crew.works, self._crew.loops(), strict=True) if not lane.queue]

    def _standing_in(self) -> list[Loop]:
        found = []
        for lane, _ in self._crew.works:
            if lane.queue is not None:
                pause = CLOCK_LOOK_SECONDS if lane.is_due is None else max(lane.pause_seconds, POLL_SECONDS)
                found.append(Loop(f"{lane.name} by itself", self._runners[lane.name].stand_in, pause))
        return found

    def _beat(self, app: Celery) -> LeasedScheduler:
        from app.jobs.beat import LeasedScheduler  # imports Celery

        return LeasedScheduler(app, gateway=self._gateway, nudges=self._nudges)

    def _roles(self) -> list[Loop]:
        def beat() -> bool:
            self._bench.stopping.wait(self._scheduler.tick())
            return True

        def look() -> bool:
            self._is_carried = is_alive(self._gateway.database, upkeep.RELAY, self._gateway.now())
            return False

        return [
            Loop("relay", self._relay, POLL_SECONDS), Loop("beat", beat, 0.0), Loop("carried", look, LOOK_SECONDS)
        ]  # fmt: skip


_carrying: list[Carrying] = []


def carry(carrying: Carrying) -> None:
    """Have the tasks of this process work on these lanes."""
    _carrying[:] = [carrying]


def runner(name: str) -> LaneRunner | None:
    """Return the lane that a task of this process works on; None if the settings turn it off.

    Raises `RuntimeError` outside of a worker.
    """
    if not _carrying:
        raise RuntimeError("tasks run in a worker: celery -A app.jobs.celery_app worker")
    return _carrying[0].runner(name)

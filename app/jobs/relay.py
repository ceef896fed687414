"""The relay: looks which lanes have work that is due, and nudges the workers through the broker.

Any worker process may run it and one does, by a lease. Whoever commits work never waits for it, and publishing never
delays a webhook or a send. The lease is renewed only while the broker answers, so all processes see by one row
whether the broker carries the work; where it does not, each of them looks for work by itself (`lane_runner`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from app import metrics
from app.container import Gateway
from app.jobs.lanes import LANES, Lane
from app.jobs.lease import Lease
from app.jobs.loops import POLL_SECONDS
from app.jobs.nudges import BrokerAway, Nudges
from app.logs import get_logger

AWAY_SECONDS = 1.0
"""Pause after the broker did not answer, and between two looks whether the lease is free."""

MOST_SECONDS = 0.5
"""While a lane has work, it is nudged at once and then less and less often, down to once in so many seconds. Shorter
than what a worker lingers in a lane, so that whoever works on it goes on, and others join."""

logger = get_logger(__name__)


@dataclass(slots=True)
class _Streak:
    """A lane's uninterrupted time with work: when it is looked at and nudged next."""

    look_at: float = 0.0
    nudge_at: float = 0.0
    pause: float = POLL_SECONDS


class Relay:
    """The loop of the relay. For one thread; raises `Unavailable`."""

    def __init__(self, gateway: Gateway, nudges: Nudges, lease: Lease, wait: Callable[[float], object]) -> None:
        self._gateway = gateway
        self._nudges = nudges
        self._lease = lease
        self._wait = wait
        self._lanes = [(lane, _Streak()) for lane in LANES if lane.is_due is not None and lane.queue is not None]
        self._is_away = False

    def __call__(self) -> bool:
        """Do one round, or wait a second if the role is another process's or the broker is away. Returns False."""
        if not self._lease.is_held and not self._lease.is_free():
            self._wait(AWAY_SECONDS)
            return False
        try:
            if self._lease.is_to_renew:
                self._nudges.check()
                if not self._lease.hold():
                    return False
                self._say(None)
            self._look()
        except BrokerAway as error:
            self._say(error)
            self._lease.let_go()
            self._wait(AWAY_SECONDS)
        return False

    def close(self) -> None:
        """Let another process take the role. Raises `Unavailable`."""
        self._lease.let_go()

    def _look(self) -> None:
        for lane, streak in self._lanes:
            now = time.monotonic()
            if now >= streak.look_at:
                streak.look_at = now + max(lane.pause_seconds, POLL_SECONDS) * 0.9
                self._look_at(lane, streak, now)

    def _look_at(self, lane: Lane, streak: _Streak, now: float) -> None:
        assert lane.is_due is not None
        if not lane.is_due(self._gateway):
            streak.pause = POLL_SECONDS
            streak.nudge_at = 0.0
        elif now >= streak.nudge_at:
            self._nudges.offer(lane)
            streak.nudge_at = now + streak.pause
            streak.pause = min(2 * streak.pause, MOST_SECONDS)

    def _say(self, error: BrokerAway | None) -> None:
        metrics.broker_up.set(error is None)
        if error is not None and not self._is_away:
            logger.warning(
                "the broker does not answer; workers look for work by themselves until it does",
                extra={"error": error.reason},
            )
        elif error is None and self._is_away:
            logger.warning("the broker answers again")
        self._is_away = error is not None

"""Celery beat's scheduler for work that the clock starts: any process may run it, and one does.

Used inside every worker, and by `celery -A app.jobs.celery_app beat`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from celery.beat import ScheduleEntry, Scheduler

from app.container import Gateway
from app.errors import Unavailable
from app.jobs.lanes import LANES
from app.jobs.lease import Lease
from app.jobs.nudges import BrokerAway, Nudges
from app.logs import get_logger
from app.store import upkeep

IDLE_SECONDS = 1.0
"""Pause while another process has the schedule, or the broker or the database is away."""

_LANES = {lane.name: lane for lane in LANES}

logger = get_logger(__name__)


class LeasedScheduler(Scheduler):  # type: ignore[misc]
    """Publishes what is due while this process has the lease. Nothing is stored: intervals begin with the process."""

    def __init__(
        self, app: Any, *args: Any, gateway: Gateway | None = None, nudges: Nudges | None = None, **kwargs: Any
    ) -> None:
        if gateway is None:  # started by Celery's own command
            from app.jobs.celery_app import config
            from app.jobs.celery_process import gateway_of

            gateway = gateway_of(config)
        self._nudges = nudges or Nudges(app)
        self._lease = Lease(gateway.database, upkeep.BEAT, gateway.now)
        super().__init__(app, *args, **kwargs)

    def setup_schedule(self) -> None:
        """Take the schedule of Celery's settings, which is that of the lanes."""
        self.update_from_dict(self.app.conf.beat_schedule)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Publish at most one entry that is due; return the seconds until the next look."""
        try:
            if not self._lease.hold():
                return IDLE_SECONDS
        except Unavailable:
            return IDLE_SECONDS
        try:
            return max(0.0, float(super().tick(*args, **kwargs)))
        except BrokerAway:
            return IDLE_SECONDS

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Publish an entry. If the broker is away the workers do its work by themselves, and nothing is made up for."""
        try:
            self._nudges.offer(_LANES[entry.task])
        except BrokerAway as error:
            logger.debug("not published", extra={"kind": entry.task, "reason": error.reason})

    def close(self) -> None:
        """Let another process have the schedule."""
        with suppress(Unavailable):
            self._lease.let_go()
        super().close()

    @property
    def producer(self) -> None:
        """None: nudges have a connection of their own, with timeouts."""
        return None

"""End a worker by itself: after some seconds, or when nothing is left to do. For hosts that only have cron."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from app.container import Gateway
from app.errors import Unavailable
from app.store import workers

LOOK_SECONDS = 0.25
IDLE_LOOKS = 3
"""How many looks in a row must find nothing: what is done may lead to more, as a webhook to a delivery."""


@dataclass(frozen=True, slots=True)
class Limit:
    """When a worker ends by itself: after `seconds`, and with `once` as soon as it finds nothing to do."""

    seconds: float
    once: bool = False

    def watch(self, gateway: Gateway, stop: threading.Event) -> None:
        """Set `stop` when the time has come. Looks in a thread of its own; call once the loops run."""
        threading.Thread(target=self._watch, args=(gateway, stop), name="limit", daemon=True).start()

    def _watch(self, gateway: Gateway, stop: threading.Event) -> None:
        until = time.monotonic() + self.seconds
        idle = 0
        while time.monotonic() < until and idle < IDLE_LOOKS:
            if stop.wait(min(LOOK_SECONDS, max(0.0, until - time.monotonic()))):
                return
            idle = idle + 1 if self.once and not _has_work(gateway) else 0
        stop.set()


def _has_work(gateway: Gateway) -> bool:
    """Whether anything is due or in progress. True if the database cannot be asked: the time limit ends that."""
    try:
        with gateway.database.read() as session:
            return workers.has_work(session, gateway.now())
    except Unavailable:
        return True

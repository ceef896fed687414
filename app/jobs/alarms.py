"""Lanes that look for what a person must know, and tell it."""

from __future__ import annotations

from app.jobs.lanes import Lane
from app.services.gateway import Gateway

LOOK_SECONDS = 5.0
TELL_SECONDS = 1.0


def alarm_lanes(gateway: Gateway) -> list[Lane]:
    """One lane that watches and one that tells, so that a far end which hangs keeps nobody from watching."""

    def watch() -> bool:
        gateway.watch()
        return False

    return [Lane("watch", watch, LOOK_SECONDS), Lane("tell", gateway.tell_alarms, TELL_SECONDS)]

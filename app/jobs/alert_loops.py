"""Lanes that look for what a person must know, and tell it."""

from __future__ import annotations

from app.container import Gateway
from app.jobs.loops import Lane
from app.services.alerts.database_alert import DatabaseAlarm

LOOK_SECONDS = 5.0
TELL_SECONDS = 1.0


def alarm_lanes(gateway: Gateway) -> list[Lane]:
    """One lane that watches and one that tells, so that a far end which hangs keeps nobody from watching.

    And one that needs no database, to tell that it cannot be written.
    """

    def watch() -> bool:
        gateway.watch()
        return False

    database = DatabaseAlarm(gateway.database.writes, gateway.tell_alarms.ways, gateway.now)
    return [
        Lane("watch", watch, LOOK_SECONDS),
        Lane("tell", gateway.tell_alarms, TELL_SECONDS),
        Lane("database", database, LOOK_SECONDS),
    ]

"""The time that the gateway uses; services get it as a function, so that a test can replace it.

The machine's own clock is used as long as it neither jumps nor differs from the database's. So all processes that share
a PostgreSQL use one time, and a clock that is wrong for a moment leaves no wrong times behind.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

TOLERANCE = timedelta(seconds=1)
"""How much the machine's clock may differ before it is corrected; the difference is reported from `TOLD` on."""

TOLD = timedelta(seconds=2)
TOO_FAR = timedelta(seconds=60)
"""If the clock is wrong by more than this, a worker takes no work, and a person must correct the machine."""

PATIENCE_SECONDS = 60.0
"""How long a jump of the machine's clock is ignored, if no database's time confirms it."""

_ELAPSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # the former goes on while a machine is suspended


class SteadyClock:
    """Corrects the machine's time. Threads may share it.

    `read` and `follow` get the machine's time, and the seconds that elapsed since any fixed moment; `follow` also gets
    the database's time.
    """

    def __init__(self) -> None:
        self._seen: tuple[datetime, float] | None = None
        self._leapt_at: float | None = None
        self._behind = timedelta(0)

    def read(self, machine: datetime, elapsed: float) -> datetime:
        """Return the machine's time, corrected if the clock has jumped or is known to be wrong."""
        seen = self._seen
        if seen is None:
            self._seen = (machine, elapsed)
            return machine
        expected = seen[0] + timedelta(seconds=elapsed - seen[1])
        if abs(machine - expected) > TOLERANCE:
            if self._leapt_at is None:
                self._leapt_at = elapsed
            if elapsed - self._leapt_at < PATIENCE_SECONDS:
                return expected + self._behind
        self._seen, self._leapt_at = (machine, elapsed), None
        return machine + self._behind

    def follow(self, database: datetime, machine: datetime, elapsed: float, uncertainty: timedelta) -> None:
        """Use the database's time from now on, if the machine's certainly differs from it."""
        behind = database - machine
        self._behind = behind if abs(behind) - uncertainty > TOLERANCE else timedelta(0)
        self._seen, self._leapt_at = (machine, elapsed), None


_clock = SteadyClock()


def utc_now() -> datetime:
    """Return the current time, with its time zone."""
    return _clock.read(datetime.now(UTC), time.clock_gettime(_ELAPSED))


def iso_utc(moment: datetime) -> str:
    """Return an aware time in the gateway's format: ISO 8601 in UTC, with `Z`."""
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def follow(database: datetime, asked: datetime, answered: datetime) -> None:
    """Compare the clock with the database's time, read between `asked` and `answered` of the machine's clock."""
    half = (answered - asked) / 2
    if half >= timedelta(0):  # else the machine's clock was set back between the two
        _clock.follow(database, asked + half, time.clock_gettime(_ELAPSED), half)


def machine_is_ahead() -> timedelta:
    """Return by how much the machine's clock is ahead of the corrected time; negative when it is behind."""
    return datetime.now(UTC) - utc_now()


def is_too_far() -> bool:
    """Return whether the machine's clock is so wrong that a worker should take no work."""
    return abs(machine_is_ahead()) > TOO_FAR

"""What services are given to tell the time, so that a test can hand them another clock.

The machine's own clock is believed as long as it neither leaps nor disagrees with the database. All processes that
share a PostgreSQL thus go by one time, and a clock that is set wrong for a moment leaves no wrong times behind.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

TOLERANCE = timedelta(seconds=1)
"""By how much the machine's clock may differ before it is corrected; the difference is told from `TOLD` on."""

TOLD = timedelta(seconds=2)
TOO_FAR = timedelta(seconds=60)
"""With a clock that is wrong by more than this a worker takes no work: somebody must look at the machine."""

PATIENCE_SECONDS = 60.0
"""How long a leap of the machine's clock is not believed, where no database says which is right."""

_ELAPSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # the former goes on while a machine is suspended


class SteadyClock:
    """Corrects what the machine's clock says. Threads may share it.

    `read` is given that and the seconds that elapsed since any fixed moment; so is `follow`, with the database's time.
    """

    def __init__(self) -> None:
        self._seen: tuple[datetime, float] | None = None
        self._leapt_at: float | None = None
        self._behind = timedelta(0)

    def read(self, machine: datetime, elapsed: float) -> datetime:
        """The time: the machine's, unless it has leapt or is known to be wrong."""
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
        """Go by the database's time from now on, if the machine's is certain to differ from it."""
        behind = database - machine
        self._behind = behind if abs(behind) - uncertainty > TOLERANCE else timedelta(0)
        self._seen, self._leapt_at = (machine, elapsed), None


_clock = SteadyClock()


def utc_now() -> datetime:
    """The present, aware."""
    return _clock.read(datetime.now(UTC), time.clock_gettime(_ELAPSED))


def iso_utc(moment: datetime) -> str:
    """An aware time as the gateway writes it everywhere: ISO 8601 in UTC, with `Z`."""
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def follow(database: datetime, asked: datetime, answered: datetime) -> None:
    """Compare with the database's time, which it told between these two of the machine's."""
    half = (answered - asked) / 2
    if half >= timedelta(0):  # else the machine's clock was set back meanwhile
        _clock.follow(database, asked + half, time.clock_gettime(_ELAPSED), half)


def machine_is_ahead() -> timedelta:
    """By how much the machine's clock is ahead of the time that is believed; negative when it is behind."""
    return datetime.now(UTC) - utc_now()


def is_too_far() -> bool:
    """Whether the machine's clock is so wrong that a worker should take no work."""
    return abs(machine_is_ahead()) > TOO_FAR

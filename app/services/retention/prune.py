"""Prune one step at a time, and remember where to go on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.config.settings import Config
from app.db.database import Database
from app.logs import get_logger
from app.services.retention.kinds import KINDS, Kind
from app.services.retention.pace import Pace
from app.store import upkeep

TURN = timedelta(seconds=60)
"""How long one worker prunes before another one may."""

IDLE_SECONDS = 5.0
"""Pause while there is nothing to do, or another worker prunes."""

REST_SECONDS = 600.0
"""Pause after a pass over one kind."""

LOOK_AGAIN = timedelta(hours=1)
"""How soon rows are looked at again that could not be pruned in a pass."""

logger = get_logger(__name__)


@dataclass(slots=True)
class _Pass:
    """How far a pass over one kind has come. `skipped` is the place before the first row that must stay for now."""

    place: str
    skipped: str | None
    began_at: datetime
    rests_until: float = 0.0
    pace: Pace = field(default_factory=Pace)
    count: int = 0


class PruneExpired:
    """Deletes what is too old. Several workers may have one; they take turns."""

    def __init__(self, config: Config, database: Database, now: Callable[[], datetime]) -> None:
        self._config = config
        self._database = database
        self._now = now
        self._passes: dict[str, _Pass] = {}
        self._turn_ends: datetime | None = None

    def __call__(self) -> float:
        """Do one step of each kind; return how many seconds to pause. Raises `Unavailable`."""
        wanted = [kind for kind in KINDS if kind.days(self._config) and not self._rests(kind)]
        if not wanted or not self._has_turn():
            return IDLE_SECONDS
        return sum(self._step(kind) for kind in wanted)

    def _rests(self, kind: Kind) -> bool:
        known = self._passes.get(kind.name)
        return known is not None and known.rests_until > time.monotonic()

    def _has_turn(self) -> bool:
        now = self._now()
        if self._turn_ends is not None and now < self._turn_ends:
            return True
        with self._database.write() as session:
            upkeep.begin(session, "retention", now - 2 * TURN)
            is_mine = upkeep.take_turn(session, "retention", now, now - TURN)
        self._turn_ends = now + TURN if is_mine else None
        if not is_mine:
            self._passes.clear()  # another worker goes on from what is stored
        return is_mine

    def _step(self, kind: Kind) -> float:
        """Prune some rows of a kind; return how many seconds to pause."""
        this = self._passes.get(kind.name) or self._begin(kind)
        cutoff = self._now() - timedelta(days=kind.days(self._config))
        with self._database.read() as session:
            found = kind.find(session, this.place, cutoff, this.pace.size)
        if found.skipped_after is not None and this.skipped is None:
            this.skipped = found.skipped_after
        if found.last is None:
            self._end(kind, this)
            return 0.0
        this.place = found.last
        if not found.rows:
            return 0.005
        with self._database.write() as session:
            started = time.perf_counter()
            kind.prune(session, found.rows)
            upkeep.note(session, _row(kind), place=this.place, skipped=this.skipped)
            seconds = time.perf_counter() - started
        this.count += len(found.rows)
        return this.pace.note(seconds, len(found.rows))

    def _begin(self, kind: Kind) -> _Pass:
        with self._database.read() as session:
            row = upkeep.find(session, _row(kind))
        this = _Pass((row.skipped or row.place or "") if row else "", None, self._now())
        self._passes[kind.name] = this
        return this

    def _end(self, kind: Kind, this: _Pass) -> None:
        """Rest; afterwards go on here, or once an hour from the first row that had to stay."""
        if this.count:
            logger.info("pruned what was too old", extra={"kind": kind.name, "count": this.count})
        this.count, this.rests_until = 0, time.monotonic() + REST_SECONDS
        now = self._now()
        if this.skipped is not None and now - this.began_at >= LOOK_AGAIN:
            this.place, this.skipped, this.began_at = this.skipped, None, now


def _row(kind: Kind) -> str:
    return f"prune_{kind.name}"

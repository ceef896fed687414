"""Detect a database that is an older copy, put back, of the one in use.

A restored copy still queues sends that were sent after it was made. So all due sends are held when a database was out
of use. What this installation last knew of its database is stored in a small file in the folder of the logs, which a
restore of the database does not change.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from sqlalchemy.orm import Session

from app.db.database import Database
from app.domain.holds import HeldFor
from app.ids import new_id
from app.logs import get_logger
from app.models import DatabaseUse as Row
from app.services.sending.holds import HoldSends
from app.store import database_use

OUT_OF_USE_AFTER = timedelta(minutes=15)
OTHERS_SECONDS = 60.0
"""A database of another epoch counts as older if its last heartbeat is so much earlier than the known one."""

FILE = "database_use.json"

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Known:
    """What this installation last knew of its database. `beats` counts the heartbeats of an epoch."""

    epoch: str
    beats: int
    is_stopped: bool
    beat_at: float
    """Seconds since 1970."""


class DatabaseUse:
    """Writes one worker's heartbeats and compares them with what is known. Threads may share it."""

    def __init__(self, database: Database, folder: str, hold: HoldSends, now: Callable[[], datetime]) -> None:
        self._database = database
        self._file = Path(folder) / FILE
        self._hold = hold
        self._now = now
        self._known: Known | None = None
        self._mutex = Lock()

    def begin(self) -> int:
        """Hold all due sends if the database was out of use; return how many were held.

        Must be called before anything is sent. Raises `Unavailable`; then it must be called again.
        """
        known = self._read()  # read before the row, since the row is written before the file
        with self._database.read() as session:
            row = database_use.find(session)
            reason = _out_of_use(row, known, self._now())
        held = 0
        if reason is not None:
            held = self._hold.hold_all(HeldFor.RESTORED, used_until=row.beat_at if row else None)
            logger.warning(reason, extra={"count": held})
        self._beat(is_stopped=False, after=known.beats if known and row and row.epoch == known.epoch else 0)
        return held

    def beat(self) -> None:
        """Write a heartbeat. Raises `Unavailable`."""
        if self._known is not None:  # before `begin` the database is not known
            with self._database.read() as session:
                is_known = self.is_known(session)
            if is_known:
                self._beat(is_stopped=False)
            else:
                self.begin_again()

    def end(self) -> None:
        """Record that the last worker stopped in order. Raises `Unavailable`."""
        if self._known is not None:
            self._beat(is_stopped=True)

    def is_known(self, session: Session) -> bool:
        """Return whether the database still is the one that this worker knows; true before `begin`.

        A copy that was restored under a running worker has fewer heartbeats, or another epoch.
        """
        known, found = self._known, database_use.beats(session)
        return known is None or (found is not None and found[0] == known.epoch and found[1] >= known.beats)

    def begin_again(self) -> None:
        """Hold all due sends of an older copy that was restored while this worker ran. Raises `Unavailable`."""
        known = self._known
        held = self._hold.hold_all(HeldFor.RESTORED, used_until=None)
        logger.warning("an older copy of the database was put back; what waited in it is held", extra={"count": held})
        self._beat(is_stopped=False, after=known.beats if known else 0)

    def _beat(self, *, is_stopped: bool, after: int = 0) -> None:
        with self._mutex:
            with self._database.write() as session:
                # More than what was known, so that the copy, once it is in use, is the one that is known.
                have = database_use.beats(session)
                step = 1 + max(0, after - (have[1] if have else 0))
                now = self._now()
                row = {"epoch": new_id(), "beats": step, "beat_at": now, "is_stopped": is_stopped}
                epoch, beats = database_use.beat(session, row)
                database_use.mark_file(session)
            self._known = Known(epoch, beats, is_stopped, now.timestamp())
            self._write(self._known)

    def _read(self) -> Known | None:
        try:
            return Known(**json.loads(self._file.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def _write(self, known: Known) -> None:
        """Store it for the next start. Errors are ignored: without the file, only this check is lost."""
        beside = self._file.with_name(f"{FILE}.{os.getpid()}")
        with suppress(OSError):
            beside.write_text(json.dumps(asdict(known)))
            os.replace(beside, self._file)


def _out_of_use(row: Row | None, known: Known | None, now: datetime) -> str | None:
    """Return why a database counts as out of use; None if it does not.

    After an orderly stop any time may pass: then row and file agree on the stop and on the heartbeat.
    """
    if known is not None and _is_older(row, known):
        return "the database is older than the one used here before; what waited in it is held"
    if row is None or now - row.beat_at <= OUT_OF_USE_AFTER:
        return None
    is_same = known is not None and (row.epoch, row.beats) == (known.epoch, known.beats)
    if is_same and known is not None and row.is_stopped and known.is_stopped:
        return None
    return "the database was out of use for more than 15 minutes; what waited in it is held"


def _is_older(row: Row | None, known: Known) -> bool:
    """Return whether the database is older than the known one; so is one that no worker has ever used."""
    if row is None:
        return True
    if row.epoch == known.epoch:
        return row.beats < known.beats
    return row.beat_at.timestamp() < known.beat_at - OTHERS_SECONDS

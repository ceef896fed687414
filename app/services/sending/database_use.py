"""Is this database the one that was in use until now, or an older copy of it?

A copy that is put back holds sends that have gone out since it was made. So a database that was out of use begins with
everything held that should have gone by now. What this installation last knew of its database is kept in a small file
in the folder of the logs, which no copy of the database brings back.
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
"""A database of another epoch is older than the known one if it was last used so much earlier."""

FILE = "database_use.json"

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Known:
    """What an installation last knew of its database."""

    epoch: str
    beats: int
    is_stopped: bool
    beat_at: float
    """Seconds since 1970."""


class DatabaseUse:
    """One worker's knowledge of its database. Threads may share it."""

    def __init__(self, database: Database, folder: str, hold: HoldSends, now: Callable[[], datetime]) -> None:
        self._database = database
        self._file = Path(folder) / FILE
        self._hold = hold
        self._now = now
        self._known: Known | None = None
        self._mutex = Lock()

    def begin(self) -> int:
        """Hold what a database that was out of use should have sent by now; return how many sends that were.

        To be called before the first send leaves. Raises `Unavailable`; then it is to be called again.
        """
        known = self._read()  # before the row, which is written before the file
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
        """Say that the database is in use. Raises `Unavailable`."""
        if self._known is not None:  # before that, nobody knows which database it is
            with self._database.read() as session:
                is_known = self.is_known(session)
            if is_known:
                self._beat(is_stopped=False)
            else:
                self.begin_again()

    def end(self) -> None:
        """Say that the last worker ended in order. Raises `Unavailable`."""
        if self._known is not None:
            self._beat(is_stopped=True)

    def is_known(self, session: Session) -> bool:
        """Whether the database is still the one that this worker knows, or none has been looked at yet.

        One that was put back under a running worker counts less than before, or by another epoch.
        """
        known, found = self._known, database_use.beats(session)
        return known is None or (found is not None and found[0] == known.epoch and found[1] >= known.beats)

    def begin_again(self) -> None:
        """Hold what an older copy, put back under this running worker, should have sent by now."""
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
        """Keep it for the next start. A folder that takes no file costs this help, and nothing else."""
        beside = self._file.with_name(f"{FILE}.{os.getpid()}")
        with suppress(OSError):
            beside.write_text(json.dumps(asdict(known)))
            os.replace(beside, self._file)


def _out_of_use(row: Row | None, known: Known | None, now: datetime) -> str | None:
    """Why a database counts as out of use; None for one that does not.

    An ordered stop may last: then the row and the file both say that it was one, and of which beat.
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
    """Whether the database is older than what is known. One that no worker has used, as before an upgrade, is."""
    if row is None:
        return True
    if row.epoch == known.epoch:
        return row.beats < known.beats
    return row.beat_at.timestamp() < known.beat_at - OTHERS_SECONDS

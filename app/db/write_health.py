"""What a process knows of its database's fitness to be written, from what became of its own writes."""

from __future__ import annotations

import os
import time
from pathlib import Path

from app.db.failures import Trouble, of_system
from app.process import native_threads

FRESH_SECONDS = 5.0
"""A write that went through so lately needs no proof; one that failed so lately none either."""

DISK_SECONDS = 2.0
"""How long one byte may take to its disk."""


class Writes:
    """Remembers the last write that was committed and the last that failed. Costs two assignments a write."""

    def __init__(self, path: Path | None) -> None:
        """`path` is a file beside the database, on the same disk, that this process may write to; None for a server."""
        self._path = path
        self._began = time.monotonic()
        self._succeeded_at: float | None = None
        self._failed_at = -FRESH_SECONDS
        self._trouble = ""
        self._is_looking = False
        self._is_late = False

    @property
    def is_disk_hanging(self) -> bool:
        """Whether the disk was found not to answer, and has not answered since."""
        return self._is_late and self._is_looking

    def succeeded(self) -> None:
        """Note that a transaction was committed."""
        self._succeeded_at, self._trouble = time.monotonic(), ""

    def failed(self, reason: str) -> None:
        """Note that one could not be, and why."""
        self._failed_at, self._trouble = time.monotonic(), reason

    @property
    def trouble(self) -> str:
        """Why the last write failed; "" if it did not."""
        return Trouble.HANGS if self.is_disk_hanging else self._trouble

    def is_known(self) -> bool:
        """Whether a write went through, or failed, within the last seconds: `trouble` then says how things are."""
        last = self._failed_at if self._trouble else self._succeeded_at
        return self.is_disk_hanging or (last is not None and time.monotonic() - last < FRESH_SECONDS)

    def seconds_without(self) -> float:
        """For how long none has been committed, since this process began at most."""
        return time.monotonic() - (self._began if self._succeeded_at is None else self._succeeded_at)

    def look_at_disk(self) -> Trouble | None:
        """Write one byte to SQLite's disk and wait for it. Returns what is wrong, if anything.

        A disk that hangs stops whoever writes to it, and under gevent the whole process; so this is done aside, and
        while it hangs nobody else need try.
        """
        if self._path is None or self._is_looking:
            return None
        self._is_looking, self._is_late = True, False
        try:
            error = native_threads.run(self._write_byte, DISK_SECONDS)
        except TimeoutError:
            self._is_late = True
            return Trouble.HANGS
        return of_system(error) if isinstance(error, OSError) else None

    def _write_byte(self) -> OSError | None:
        assert self._path is not None
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(file, b"\n", 0)
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            return error
        finally:
            self._is_looking = False
        return None

"""Whether a process can write to its database, as its own last writes showed."""

from __future__ import annotations

import os
import time
from pathlib import Path

from app.db.failures import Trouble, of_system
from app.process import native_threads

FRESH_SECONDS = 5.0
"""A write that succeeded or failed within this time makes another check unnecessary."""

DISK_SECONDS = 2.0
"""How long writing one byte to the disk may take."""


class Writes:
    """Records the last write that was committed and the last that failed. It costs two assignments per write."""

    def __init__(self, path: Path | None) -> None:
        """`path` is a file beside the database, on the same disk, writable for this process; None for a server."""
        self._path = path
        self._began = time.monotonic()
        self._succeeded_at: float | None = None
        self._failed_at = -FRESH_SECONDS
        self._trouble = ""
        self._is_looking = False
        self._is_late = False

    @property
    def is_disk_hanging(self) -> bool:
        """Return whether the disk did not answer the last check in time, and has not answered since."""
        return self._is_late and self._is_looking

    def succeeded(self) -> None:
        """Note that a transaction was committed."""
        self._succeeded_at, self._trouble = time.monotonic(), ""

    def failed(self, reason: str) -> None:
        """Note that a transaction could not be committed, and why."""
        self._failed_at, self._trouble = time.monotonic(), reason

    @property
    def trouble(self) -> str:
        """Return why the last write failed; "" if it succeeded."""
        return Trouble.HANGS if self.is_disk_hanging else self._trouble

    def is_known(self) -> bool:
        """Return whether a write succeeded or failed within the last seconds, so that `trouble` is up to date."""
        last = self._failed_at if self._trouble else self._succeeded_at
        return self.is_disk_hanging or (last is not None and time.monotonic() - last < FRESH_SECONDS)

    def seconds_without(self) -> float:
        """Return the seconds since the last commit, or since this process began if there was none."""
        return time.monotonic() - (self._began if self._succeeded_at is None else self._succeeded_at)

    def look_at_disk(self) -> Trouble | None:
        """Write one byte to SQLite's disk and wait for it. Return what is wrong, or None.

        A hanging disk blocks the thread that writes to it, and under gevent the whole process. So a native thread
        writes the byte, and while it hangs no other check begins.
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

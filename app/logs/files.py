"""The log file of the day."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

# Not get_logger: `app.logs`, which defines it, imports this module.
_logger = logging.getLogger("whatsapp_service.logs.files")

DAY_SECONDS = 86_400

LOOK_SECONDS = 0.2
"""For how long nobody looks whether the file is still in its place: to ask at each record took longer than to write
it. What is written meanwhile stands in the file that somebody moved."""


class DailyFileHandler(logging.Handler):
    """Appends records to `<folder>/whatsapp_service_YYYYMMDD.log`, by the UTC day.

    Any number of processes may share the file: each record is one write to a descriptor that always appends. The file
    is opened again when the day changes, or when somebody moved or deleted it. While it cannot be written, records are
    dropped, the first of them with a warning to the other handlers.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(logging.DEBUG)
        self._folder = folder
        self._fd: int | None = None
        self._path = ""
        self._day = -1.0
        self._looked_at = float("-inf")
        self._identity: tuple[int, int] | None = None
        self._is_failing = False

    def open_now(self) -> None:
        """Open the day's file before the first record, so that a folder that cannot be written is reported at start."""
        self.acquire()
        try:
            self._descriptor()
        except OSError as err:
            self._complain(err)
        finally:
            self.release()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = (self.format(record) + "\n").encode("utf-8", "backslashreplace")
            os.write(self._descriptor(), line)
            self._is_failing = False
        except OSError as err:
            self._complain(err)
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Drop the record: the standard handler prints it with its arguments."""

    def close(self) -> None:
        self.acquire()
        try:
            self._forget()
        finally:
            self.release()
        super().close()

    def _descriptor(self) -> int:
        now = time.time()
        if self._fd is not None and (now // DAY_SECONDS != self._day or self._is_elsewhere()):
            self._forget()
        if self._fd is None:
            self._day = now // DAY_SECONDS
            self._path = str(self._folder / f"whatsapp_service_{time.strftime('%Y%m%d', time.gmtime(now))}.log")
            self._folder.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            self._identity = _identity(self._fd)
        return self._fd

    def _is_elsewhere(self) -> bool:
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return False
        self._looked_at = time.monotonic()
        return _identity(self._path) != self._identity

    def _forget(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
        self._fd = None

    def _complain(self, err: OSError) -> None:
        if not self._is_failing:
            self._is_failing = True  # set first, because the warning comes back to this handler
            _logger.warning("the log file cannot be written, only the console is", extra={"error": err.strerror})


def _identity(file: str | int) -> tuple[int, int] | None:
    """Return the device and inode of a file, which identify it among existing files; None if it does not exist."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino

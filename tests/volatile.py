"""Where tests may write what nobody needs once they have ended."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

IN_MEMORY = Path("/dev/shm")
ROOM = 4 * 1024**3
"""More than a whole run writes, so that no test meets a full disk that it did not make."""


def folder_in_memory() -> Path | None:
    """A folder that waits for no disk, where the system has one (Linux) with enough room."""
    if not os.access(IN_MEMORY, os.W_OK | os.X_OK):
        return None
    return IN_MEMORY if shutil.disk_usage(IN_MEMORY).free >= ROOM else None

"""Where the processes of one server keep their numbers, so that any of them can show the numbers of all.

prometheus_client reads `PROMETHEUS_MULTIPROC_DIR` when it is first imported and ignores it later.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from app.config.parsers import ROOT

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
PREFIX = "whatsapp-service-metrics-"


def make() -> str | None:
    """Make a directory for a master that forks, and remove those of masters that were killed.

    None where no disk has room for one.
    """
    ours = f"{PREFIX}{os.getuid()}-"
    for parent in (tempfile.gettempdir(), "/dev/shm"):
        with suppress(OSError):
            _sweep(Path(parent), ours)
            return tempfile.mkdtemp(prefix=f"{ours}{os.getpid()}-", dir=parent)
    return None


def ensure() -> None:
    """Let the processes of any server share a directory, if the environment names none: those with the same parent.

    Does nothing when it is too late, nor where the directory cannot be made: each process then counts for itself.
    """
    if DIRECTORY in os.environ or "prometheus_client" in sys.modules:
        return
    owner = os.getpid() if os.getppid() == 1 else os.getppid()
    ours = f"{PREFIX}{os.getuid()}-"
    which = "\n".join((str(ROOT), os.environ.get("PORT", ""), os.environ.get("DATABASE_URL", "")))
    path = Path(tempfile.gettempdir()) / f"{ours}{owner}-{hashlib.sha256(which.encode()).hexdigest()[:8]}"
    with suppress(OSError):
        _sweep(path.parent, ours)
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
            os.environ[DIRECTORY] = str(path)


def _sweep(folder: Path, ours: str) -> None:
    """Take away what servers left behind that are gone."""
    for path in folder.glob(f"{ours}*"):
        owner = path.name.removeprefix(ours).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and Path("/proc/self").exists():
            shutil.rmtree(path, ignore_errors=True)

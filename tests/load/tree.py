"""A copy of the project, with an `.env` of its own, for drills that change it or start `./run.sh`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.load.gateway import ROOT

FILES = ("run.sh", "gateway", "gunicorn.conf.py", "wsgi.py", "Procfile", "requirements.txt", "requirements.lock")


def copy_project(folder: Path) -> Path:
    """Copy what serves into `folder`, whose `.venv` is ours under another name and complete for `./run.sh`."""
    folder.mkdir(parents=True)
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    for name in ("app", "simulator", "examples"):
        shutil.copytree(ROOT / name, folder / name)  # compiled files too, or each process would compile them all
    (folder / ".venv" / "bin").mkdir(parents=True)
    for path in [*Path(sys.prefix).iterdir(), *(Path(sys.prefix) / "bin").iterdir()]:
        if path.name != "bin" and not path.name.startswith("."):
            (folder / ".venv" / path.relative_to(sys.prefix)).symlink_to(path)
    shutil.copy(ROOT / "requirements.lock", folder / ".venv" / ".installed-requirements.lock")
    return folder

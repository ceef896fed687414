"""What the Dockerfile makes, as plain folders: the same files, the same links, nothing writable but the volume."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tests.load.gateway import ROOT


def context() -> list[str]:
    """What `.dockerignore` lets into the image: the names behind its `!`."""
    lines = (ROOT / ".dockerignore").read_text().split()
    assert "*" in lines, "the list names what is let in, and nothing else is"
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


def make_image(folder: Path) -> tuple[Path, Path]:
    """Lay the image out below `folder`; return its working directory and its volume. `.venv` is ours."""
    home, volume = folder / "srv", folder / "volume"
    (home / ".venv" / "bin").mkdir(parents=True)
    volume.mkdir()
    for name in context():
        source, target = ROOT / name, home / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)  # compiled files too, which the Dockerfile makes
        else:
            shutil.copy(source, target)
    for path in [*Path(sys.prefix).iterdir(), *(Path(sys.prefix) / "bin").iterdir()]:
        if path.name != "bin" and not path.name.startswith("."):
            (home / ".venv" / path.relative_to(sys.prefix)).symlink_to(path)
    shutil.copy(ROOT / "requirements.lock", home / ".venv" / ".installed-requirements.lock")
    for name, at in (("data", "."), ("logs", "logs"), (".env", "env")):
        (home / name).symlink_to(volume / at)
    for path in [home, *home.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    return home, volume


def unprivileged(command: list[str]) -> list[str]:
    """The command without root's right to write where the modes of files forbid it."""
    if os.getuid() != 0:
        return command
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command]


def make_writable(home: Path) -> None:
    """Undo the modes, so that the folder can be deleted."""
    for path in [home, *home.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)

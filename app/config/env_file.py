"""Add settings to `.env` without touching what is there."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from dotenv.parser import parse_stream

_BARE = re.compile(r"[0-9A-Za-z_./:@+=|,-]*")


@dataclass(frozen=True, slots=True)
class Addition:
    """What adding settings to a file means: its new text, the names that are added, and those that differ there.

    A name that stands there without a value counts as missing, and gets its value where it stands.
    """

    text: str
    added: tuple[str, ...]
    different: tuple[str, ...]


def read(path: Path) -> dict[str, str]:
    """Return what the file sets; nothing if it is not there. Raises OSError and ValueError."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = list(parse_stream(file))
    except FileNotFoundError:
        return {}
    return {line.key: line.value for line in lines if line.key is not None and line.value is not None}


def add(text: str, values: Mapping[str, str], *, replace: bool = False) -> Addition:
    """Return the text of a file with these settings added to it. With `replace`, those that differ are set anew.

    Every other byte stays. Raises ValueError for a value that no line can hold.
    """
    known: dict[str, str] = {}
    places: dict[str, int] = {}
    lines = []
    for place, line in enumerate(parse_stream(StringIO(text))):
        lines.append(line.original.string)
        if line.key is not None and line.value is not None:
            known[line.key], places[line.key] = line.value, place
    added, different, appended = [], [], []
    for name, value in values.items():
        if known.get(name) == value:
            continue
        if known.get(name):
            different.append(name)
            if not replace:
                continue
        else:
            added.append(name)
        written = _line(name, value)
        if name in places:
            old = lines[places[name]]
            before = old[: len(old) - len(old.lstrip())]
            after = old[len(old.rstrip("\r\n")) :]
            lines[places[name]] = f"{before}{written}{after}"
        else:
            appended.append(written)
    text = "".join(lines)
    if appended:
        text += ("" if not text or text.endswith("\n") else "\n") + "\n".join(appended) + "\n"
    return Addition(text, tuple(added), tuple(different))


def write(path: Path, text: str) -> None:
    """Replace the file in one step, readable by its owner alone. Raises OSError; then the old one is whole.

    Its owner and group stay, also if root writes: the gateway's user must be able to read it.
    """
    path = path.resolve()  # a link stays one
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".env-")
    try:
        with suppress(FileNotFoundError):
            known = path.stat()
            if known.st_uid != os.geteuid():
                os.fchown(descriptor, known.st_uid, known.st_gid)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _line(name: str, value: str) -> str:
    if _BARE.fullmatch(value):
        return f"{name}={value}"
    if "'" in value or "\n" in value:
        raise ValueError(f"{name} holds a quotation mark or a line break, which no line of .env can hold")
    return f"{name}='{value}'"

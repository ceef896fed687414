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
_ASSIGNMENT = re.compile(
    r"""(?P<before>\s*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=\#\s]+)[^\S\r\n]*=[^\S\r\n]*)
    (?:(?P<quoted>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")(?P<after_quoted>[^\S\r\n]*(?:\#[^\r\n]*)?)
    |(?P<bare>(?!(?<=[^\S\r\n])\#)[^\r\n]*?)(?P<after_bare>(?:[^\S\r\n]+\#[^\r\n]*)?[^\S\r\n]*))
    (?P<end>[\r\n]*)""",
    re.VERBOSE | re.DOTALL,
)
"""A line that sets a value, as python-dotenv reads it: what stands before the value and after it."""


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

    Every other byte stays, also `export` before a name and a note behind a value. Raises ValueError for a value that no
    line can hold.
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
        written = _written(name, value)
        if name in places:
            lines[places[name]] = _with_value(lines[places[name]], written)
        else:
            appended.append(f"{name}={written}")
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


def _with_value(line: str, written: str) -> str:
    """Return a line with another value: `export`, spaces around the sign, a note at the end and the break stay."""
    found = _ASSIGNMENT.fullmatch(line)
    assert found is not None, "python-dotenv reads a value in a line that we do not"
    before = found["before"]
    if found["quoted"] is None and not found["bare"]:
        before = before.rstrip()
    return before + written + (found["after_quoted"] or found["after_bare"] or "") + found["end"]


def _written(name: str, value: str) -> str:
    if _BARE.fullmatch(value):
        return value
    if "'" in value or "\n" in value:
        raise ValueError(f"{name} holds a quotation mark or a line break, which no line of .env can hold")
    return f"'{value}'"

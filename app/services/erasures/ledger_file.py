"""The ledger's file: JSON lines, of which only the end grows.

A line `{"key": …}` holds the key of the hashes that follow, encrypted with `ENCRYPTION_KEY`; a line `{"hash": …,
"erased_at": …}` one id of an erased person. A line that was cut off by a full disk or a kill is passed over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LedgerPart:
    """Hashes with the time of their erasure, and their key as it is stored: encrypted."""

    wrapped_key: str
    hashes: dict[str, datetime] = field(default_factory=dict)


def read(path: Path) -> list[LedgerPart]:
    """Return what a ledger's file holds, a part for each key. A file that does not exist holds nothing.

    Raises `OSError` for a file that cannot be read.
    """
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return parse(lines)


def parse(lines: Iterable[str]) -> list[LedgerPart]:
    """Return what the lines of a ledger's file hold."""
    parts: list[LedgerPart] = []
    for line in lines:
        try:
            found = json.loads(line)
            if "key" in found:
                parts.append(LedgerPart(str(found["key"])))
            elif parts:
                parts[-1].hashes[str(found["hash"])] = datetime.fromisoformat(found["erased_at"])
        except (ValueError, KeyError, TypeError):
            continue
    return parts


def append(path: Path, wrapped_key: str, hashes: Mapping[str, datetime]) -> None:
    """Append hashes to the file, and wait until they are on the disk. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"key": wrapped_key}, *({"hash": hash, "erased_at": at.isoformat()} for hash, at in hashes.items())]
    text = "\n" + "".join(json.dumps(row) + "\n" for row in rows)  # a new line: the last one may have been cut off
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(path: Path, parts: Iterable[LedgerPart]) -> None:
    """Write the file anew, as after its keys were encrypted anew. Raises `OSError`."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    for part in parts:
        append(beside, part.wrapped_key, part.hashes)
    os.replace(beside, path)

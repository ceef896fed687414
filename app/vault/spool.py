"""A content on its way into the vault: in a temporary file, hashed and counted while it arrives."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from app.vault.errors import TooLong, translated


@dataclass(slots=True)
class Incoming:
    """A complete content in a temporary file, which is deleted with `close` unless the vault has taken it.

    `file` is open for reading and may be sought. `sha256` is in hexadecimal.
    """

    path: Path
    file: IO[bytes]
    sha256: str
    md5: bytes
    size: int

    def close(self) -> None:
        """Delete the temporary file, if it is still there."""
        self.file.close()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Incoming:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def receive(folder: Path, pieces: Iterable[bytes], limit: int) -> Incoming:
    """Write pieces into a new temporary file in a folder.

    Raises `TooLong`, `VaultUnavailable`, and whatever `pieces` raises; no file is left then.
    """
    with translated():
        descriptor, name = tempfile.mkstemp(dir=folder)
    file = os.fdopen(descriptor, "w+b", buffering=0)
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    try:
        for piece in pieces:
            size += len(piece)
            if size > limit:
                raise TooLong(f"The file is larger than {limit:,} bytes.")
            sha256.update(piece)
            md5.update(piece)
            with translated():
                _write(file, piece)
    except BaseException:
        file.close()
        os.unlink(name)
        raise
    file.seek(0)
    return Incoming(Path(name), file, sha256.hexdigest(), md5.digest(), size)


def sweep(folder: Path, older_than: float) -> int:
    """Delete the temporary files of a folder that were written last before a Unix time; return how many."""
    count = 0
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if entry.stat(follow_symlinks=False).st_mtime < older_than:
                    os.unlink(entry.path)
                    count += 1
    return count


def _write(file: IO[bytes], piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]

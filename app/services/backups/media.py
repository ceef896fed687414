"""Files of the vault in a backup."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, cast

from app.db.database import Database
from app.store import media_keys
from app.vault import MissingFile, Opened, Vault


class MediaSource:
    """The files that the database names."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def keys(self) -> Sequence[str]:
        """Return the keys of all files and small pictures. Raises `Unavailable`."""
        with self._database.read() as session:
            return media_keys.all_keys(session)

    def open(self, key: str) -> tuple[int, IO[bytes]] | None:
        """Return size and stream of a file, or None if it is missing. Raises `VaultUnavailable`."""
        size = self._vault.stat(key)
        try:
            return None if size is None else (size, cast(IO[bytes], _Stream(self._vault.open(key))))
        except MissingFile:
            return None


class _Stream(io.RawIOBase):
    """Reads pieces as a file is read."""

    def __init__(self, pieces: Opened) -> None:
        self._pieces = pieces
        self._left = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._left) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._left += piece
        size = len(self._left) if size < 0 else size
        data, self._left = self._left[:size], self._left[size:]
        return data

    def close(self) -> None:
        self._pieces.close()
        super().close()


def restore_files(
    database: Database, vault: Vault, files: Iterator[tuple[str, Path]], note: Callable[[int], None]
) -> int:
    """Put files of a backup into the vault that it lacks and the database names; return how many.

    Each gets a new key, which is written to its row: keys are never used twice. `note` gets the bytes that were put.
    Raises `Unavailable`, `VaultUnavailable`.
    """
    with database.read() as session:
        wanted = set(media_keys.all_keys(session))
    count = 0
    for key, path in files:
        size = path.stat().st_size
        if key not in wanted or vault.stat(key) == size:
            continue
        with path.open("rb") as file:
            kept = vault.put(file, size)
        with database.write() as session:
            media_keys.rename(session, key, kept.key)
        note(size)
        count += 1
    return count

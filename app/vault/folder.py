"""A vault in a folder of this machine, or of a disk that several machines share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from app.vault import spool
from app.vault.errors import MissingFile, translated, unavailable
from app.vault.spool import Incoming
from app.vault.types import OWNERS, PIECE_BYTES, Kept, Opened, checked, is_owner, new_key, pieces_of

_INCOMING = "incoming"
_SHARDS = 256


class FolderVault:
    """Files `<folder>/ab/ab12…`, readable by this user alone.

    A file appears under its key by a rename, after its bytes are on the disk, and the folder is synced after that: a
    power cut leaves a whole file or none. What was half received lies in `<folder>/incoming`, and is deleted there
    after a day.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._incoming = self.folder / _INCOMING

    def receive(self, pieces: Iterable[bytes], limit: int) -> Incoming:
        """See `Vault.receive`."""
        with translated():
            self._incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        return spool.receive(self._incoming, pieces, limit)

    def keep(self, incoming: Incoming) -> str:
        """See `Vault.keep`."""
        key = new_key()
        path = self._path(key)
        with translated():
            os.fsync(incoming.file.fileno())
            if not path.parent.is_dir():
                path.parent.mkdir(mode=0o700, exist_ok=True)
                _sync_folder(self.folder)
            os.rename(incoming.path, path)
            _sync_folder(path.parent)
        return key

    def put(self, stream: IO[bytes] | Iterable[bytes], limit: int) -> Kept:
        """See `Vault.put`."""
        with self.receive(pieces_of(stream), limit) as incoming:
            return Kept(self.keep(incoming), incoming.sha256, incoming.size)

    def open(self, key: str, start: int = 0, length: int | None = None) -> Opened:
        """See `Vault.open`."""
        try:
            file = self._path(key).open("rb", buffering=0)
        except FileNotFoundError:
            raise MissingFile from None
        except OSError as error:
            raise unavailable(error) from error
        file.seek(start)
        return _Pieces(file, length)

    def delete(self, key: str) -> None:
        """See `Vault.delete`."""
        path = self._path(key)
        with translated(), suppress(FileNotFoundError):
            path.unlink()
            _sync_folder(path.parent)

    def stat(self, key: str) -> int | None:
        """See `Vault.stat`."""
        with translated():
            try:
                return self._path(key).stat().st_size
            except FileNotFoundError:
                return None

    def keys(self) -> Iterator[str]:
        """See `Vault.keys`."""
        return (key for key, _ in self.written())

    def written(self) -> Iterator[tuple[str, float]]:
        """See `Vault.written`. What has no name of ours is passed over."""
        for number in range(_SHARDS):
            shard, found = f"{number:02x}", list[os.DirEntry[str]]()
            with translated(), suppress(FileNotFoundError), os.scandir(self.folder / shard) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
            for entry in found:
                with suppress(FileNotFoundError, MissingFile):
                    yield checked(f"{shard}/{entry.name}"), entry.stat(follow_symlinks=False).st_mtime

    def owners(self) -> set[str]:
        """See `Vault.owners`."""
        with translated(), suppress(FileNotFoundError):
            return {name for name in os.listdir(self.folder / OWNERS) if is_owner(name)}
        return set()

    def sign(self, owner: str) -> None:
        """See `Vault.sign`."""
        with translated():
            (self.folder / OWNERS).mkdir(parents=True, exist_ok=True, mode=0o700)
            (self.folder / OWNERS / owner).touch(mode=0o600)

    def sweep(self, older_than: float) -> int:
        """See `Vault.sweep`."""
        return spool.sweep(self._incoming, older_than)

    def _path(self, key: str) -> Path:
        return self.folder / checked(key)


class _Pieces:
    """The rest of an open file, or `length` bytes of it, in pieces."""

    def __init__(self, file: IO[bytes], length: int | None) -> None:
        self._file = file
        self._left = length

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        wanted = PIECE_BYTES if self._left is None else min(PIECE_BYTES, self._left)
        piece = self._file.read(wanted) if wanted else b""
        if not piece:
            self.close()
            raise StopIteration
        if self._left is not None:
            self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._file.close()


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""What every vault can do, and how it fails."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Protocol

from app.vault.errors import MissingFile
from app.vault.spool import Incoming

PIECE_BYTES = 64 * 1024
"""Bytes that are read and written at a time."""

OWNERS = "owners"
"""The folder of the marks of those whose files lie in a vault."""

_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}")
_OWNER = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Kept:
    """A content in the vault: its key, its SHA-256 in hexadecimal, and its size in bytes."""

    key: str
    sha256: str
    size: int


class Opened(Protocol):
    """A content that is being read, in pieces. Call `close` in any case; more than once does no harm."""

    def __iter__(self) -> Iterator[bytes]:
        """Return the object itself."""

    def __next__(self) -> bytes:
        """Return the next piece."""

    def close(self) -> None:
        """Release the file or the connection."""


class Vault(Protocol):
    """A place for contents. Threads and greenlets may share one. Every method may raise `VaultUnavailable`."""

    def receive(self, pieces: Iterable[bytes], limit: int) -> Incoming:
        """Spool a content. Raises `TooLong` above `limit` bytes, and whatever `pieces` raises; nothing is left then."""

    def keep(self, incoming: Incoming) -> str:
        """Keep a spooled content durably under a new key, and return the key."""

    def put(self, stream: IO[bytes] | Iterable[bytes], limit: int) -> Kept:
        """Spool and keep a content in one step. Raises as `receive` does."""

    def open(self, key: str, start: int = 0, length: int | None = None) -> Opened:
        """Return the bytes from `start` on, at most `length`, in pieces.

        The file is opened at once: raises `MissingFile` before the first piece.
        """

    def delete(self, key: str) -> None:
        """Delete a content. One that does not exist is no error."""

    def stat(self, key: str) -> int | None:
        """Return a content's size in bytes, or None if it does not exist."""

    def keys(self) -> Iterator[str]:
        """Return the key of every content, in any order."""

    def written(self) -> Iterator[tuple[str, float]]:
        """Return the key of every content and the Unix time at which it was written, in any order, as they are read."""

    def owners(self) -> set[str]:
        """Return who has signed this vault: the ids of the databases whose files lie in it."""

    def sign(self, owner: str) -> None:
        """Add an id of 32 hexadecimal digits to `owners`, unless it is there."""

    def sweep(self, older_than: float) -> int:
        """Delete what was half received before a Unix time, by processes that died; return how many files."""


def new_key() -> str:
    """Return a key that no other content has."""
    name = secrets.token_hex(16)
    return f"{name[:2]}/{name}"


def checked(key: str) -> str:
    """Return the key if it has the form of `new_key`, so that none leads out of the vault. Raises `MissingFile`."""
    if not _KEY.fullmatch(key):
        raise MissingFile
    return key


def is_owner(name: str) -> bool:
    """Whether a name has the form of an owner's id."""
    return _OWNER.fullmatch(name) is not None


def pieces_of(stream: IO[bytes] | Iterable[bytes]) -> Iterable[bytes]:
    """Return a stream's content in pieces."""
    read = getattr(stream, "read", None)
    return iter(lambda: read(PIECE_BYTES), b"") if read is not None else stream

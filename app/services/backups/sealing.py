"""Encrypt a backup to its recipients, in the format of `age` (https://age-encryption.org/v1), by pyrage.

`age` and `rage` read these files too. Only who has the identity can decrypt: the machine that makes backups need not.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from app.errors import Invalid, Malformed

MAGIC = b"age-encryption.org/"


def read_recipients(texts: Sequence[str]) -> list[Any]:
    """Return recipients (`age1…`) as pyrage takes them. Raises `Invalid`."""
    from pyrage import RecipientError, x25519

    try:
        return [x25519.Recipient.from_str(text.strip()) for text in texts]
    except RecipientError:
        raise Invalid(fields={"recipient": ["must be a public key of age, as age-keygen prints it: age1…"]}) from None


def read_identities(path: Path) -> list[Any]:
    """Return the identities in a file as `age-keygen` writes it. Raises `Invalid`, `OSError`."""
    from pyrage import IdentityError, x25519

    lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    try:
        found = [x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except IdentityError:
        found = []
    if not found:
        raise Invalid(fields={"identity": ["must be a file of age-keygen, with a line AGE-SECRET-KEY-1…"]})
    return found


def encrypt(source: Path, target: Path, recipients: Sequence[Any]) -> str:
    """Encrypt a file, and return the SHA-256 of what was written. Raises `OSError`."""
    from pyrage import encrypt_io

    with source.open("rb") as plain, target.open("wb") as sealed:
        writer = _HashingWriter(sealed)
        encrypt_io(plain, writer, list(recipients))
        sealed.flush()
    return writer.hash.hexdigest()


def decrypt(source: Path, target: Path, identities: Sequence[Any]) -> None:
    """Decrypt a file. Raises `Malformed` if no identity fits, or the file was changed or cut off."""
    from pyrage import DecryptError, decrypt_io

    try:
        with source.open("rb") as sealed, target.open("wb") as plain:
            decrypt_io(sealed, plain, list(identities))
    except (DecryptError, OSError) as error:
        raise Malformed("The backup cannot be decrypted: another identity, or the file was changed or cut.") from error


def is_encrypted(path: Path) -> bool:
    """Whether a file is in the format of age. Raises `OSError`."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


class _HashingWriter(io.RawIOBase):
    """Writes to a file, and hashes what it writes."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self.hash = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.hash.update(data)
        return self._target.write(data)

    def flush(self) -> None:
        self._target.flush()

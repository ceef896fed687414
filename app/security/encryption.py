"""What is kept encrypted, what is kept as a hash, and how a phone number is named where nobody may read it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class CannotDecrypt(Exception):
    """The text was encrypted with none of our keys, or has been changed since."""


class Encryptor:
    """Encrypts texts with the first of several Fernet keys and decrypts what any of them encrypted.

    To rotate, put the new key in front and keep the old one behind it for as long as anything holds its texts.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys

    @cached_property
    def _fernet(self) -> MultiFernet:
        # Imported by the first process that needs it: a web worker that only keeps webhooks does without its memory.
        from cryptography.fernet import Fernet, MultiFernet

        return MultiFernet([Fernet(key) for key in self._keys])

    def encrypt(self, text: str) -> str:
        """Return `text` encrypted, as ASCII; the same text gives another result each time."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """Return what `encrypt` was given, or raise `CannotDecrypt`."""
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise CannotDecrypt("Encrypted with a key that ENCRYPTION_KEY no longer holds.") from None

    def can_decrypt(self, token: str) -> bool:
        """Whether one of our keys encrypted this."""
        try:
            self.decrypt(token)
        except CannotDecrypt:
            return False
        return True


def hash_key(text: str) -> str:
    """Return what is kept of an API key: 64 hex digits from which it cannot be had back.

    One round of SHA-256 is enough because keys are long and random. Slow hashes protect what people choose
    themselves and could be guessed; here they would only cost time on every request.
    """
    return hashlib.sha256(text.encode()).hexdigest()

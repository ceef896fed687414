"""Encryption of stored secrets, hashing of API keys, and pseudonyms of phone numbers."""

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
    """Encrypts texts with the first of several Fernet keys, and decrypts texts encrypted with any of them.

    To rotate keys, put the new key in front, and keep the old one behind it for as long as texts encrypted with it
    exist.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys

    @cached_property
    def _fernet(self) -> MultiFernet:
        # Imported at the first use, which saves memory in web processes that only store webhooks.
        from cryptography.fernet import Fernet, MultiFernet

        return MultiFernet([Fernet(key) for key in self._keys])

    def encrypt(self, text: str) -> str:
        """Return `text` encrypted, as ASCII; each call gives another result."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """Return the text that was encrypted. Raises `CannotDecrypt`."""
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise CannotDecrypt("Encrypted with a key that ENCRYPTION_KEY no longer holds.") from None

    def is_current(self, token: str) -> bool:
        """Return whether the first key encrypted this text."""
        return Encryptor(self._keys[:1]).can_decrypt(token)

    def encrypt_anew(self, token: str) -> str:
        """Return the same text encrypted with the first key. Raises `CannotDecrypt`."""
        return self.encrypt(self.decrypt(token))

    def can_decrypt(self, token: str) -> bool:
        """Return whether one of our keys encrypted this text."""
        try:
            self.decrypt(token)
        except CannotDecrypt:
            return False
        return True


def hash_key(text: str) -> str:
    """Return the hash under which an API key is stored: 64 hex digits, from which the key cannot be computed.

    One round of SHA-256 is enough, because keys are long and random. Slow hashes protect passwords that people choose
    and that can be guessed; here they would only make every request slower.
    """
    return hashlib.sha256(text.encode()).hexdigest()

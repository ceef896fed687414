"""API keys: who may call, and with which scopes."""

from __future__ import annotations

import hmac
import re
import secrets
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.config.settings import Config
from app.db.database import Database
from app.errors import Invalid, NotFound
from app.ids import new_id
from app.models import ApiKey
from app.security.encryption import hash_key
from app.services.audit_log import record_act
from app.services.registries.versions import Registry, changing
from app.store import api_keys

SCOPES = ("send", "read", "admin")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""A key's name appears in lists and logs, so it is one plain word."""

MAX_CACHED = 1000
"""Wrong keys are cached too, so the cache is bounded."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner of a key. `numbers` are the phone number ids the key may use; None means all."""

    name: str
    scopes: frozenset[str]
    numbers: tuple[str, ...] | None = None

    def may(self, scope: str) -> bool:
        """Return whether the key has this scope; `admin` includes all scopes."""
        return scope in self.scopes or "admin" in self.scopes


class ApiKeys:
    """Finds callers by their keys, and creates and revokes keys."""

    def __init__(
        self, config: Config, database: Database, registry: Registry, now: Callable[[], datetime]
    ) -> None:  # fmt: skip
        self._first = hash_key(config.api_key)
        self._database = database
        self._registry = registry
        self._now = now
        self._cached: dict[str, tuple[int, Caller | None]] = {}

    def find(self, key: str) -> Caller | None:
        """Return the caller of a key; None for an unknown or revoked key. Raises `Unavailable`."""
        hashed = hash_key(key)
        if hmac.compare_digest(hashed, self._first):
            return Caller("API_KEY", frozenset(SCOPES))
        version = self._registry.version()
        cached = self._cached.get(hashed)
        if cached is not None and cached[0] == version:
            return cached[1]
        with self._database.read() as session:
            row = api_keys.find_by_hash(session, hashed)
        caller = _caller(row) if row else None
        if len(self._cached) >= MAX_CACHED:
            self._cached.clear()
        self._cached[hashed] = (version, caller)
        return caller

    def make(self, name: str, scopes: Sequence[str], numbers: Sequence[str] | None) -> str:
        """Create a key and return its text, which is not stored. Raises `Invalid` for its name or scopes."""
        if not _NAME.fullmatch(name):
            raise Invalid(fields={"name": ["must be 1 to 64 letters, digits, dots, dashes or underscores"]})
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown or not scopes:
            raise Invalid(fields={"scopes": [f"must be of {', '.join(SCOPES)}"]})
        key = new_key()
        with changing(self._database) as session:
            if api_keys.find_by_name(session, name) is not None:
                raise Invalid(fields={"name": ["is taken, if only by a revoked key; choose another"]})
            api_keys.add(
                session,
                {
                    "id": new_id(),
                    "name": name,
                    "hash": hash_key(key),
                    "scopes": sorted(set(scopes)),
                    "numbers": sorted(set(numbers)) if numbers else None,
                    "created_at": self._now(),
                },
            )
            details = {"scopes": sorted(set(scopes)), "phone_number_ids": sorted(set(numbers or ()))}
            record_act(session, self._now(), act="key.made", subject=f"key:{name}", details=details)
        return key

    def revoke(self, name: str) -> None:
        """Revoke a key. Once this returns, every process refuses it. Raises `NotFound`."""
        with changing(self._database) as session:
            if not api_keys.revoke(session, name, self._now()):
                raise NotFound("No key of that name is in use.")
            record_act(session, self._now(), act="key.revoked", subject=f"key:{name}")

    def all(self) -> list[ApiKey]:
        """Return all keys, including revoked ones."""
        with self._database.read() as session:
            return list(api_keys.all_keys(session))


def new_key() -> str:
    """Return a random key of more than 256 bits: letters and digits, since some applications accept nothing else."""
    return "wsk" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(44))


def _caller(row: ApiKey) -> Caller:
    return Caller(row.name, frozenset(row.scopes), None if row.numbers is None else tuple(row.numbers))

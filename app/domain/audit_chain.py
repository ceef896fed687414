"""The hash chain of the audit log.

An entry's hash is the SHA-256 of a JSON array: its place, time (ISO 8601, UTC, microseconds), actor, act and subject,
the commitment to its details, and the hash of the entry before it. The first entry follows `START`. So an entry that
is changed, removed, inserted or moved breaks the chain at that place. Details are not hashed themselves, so they can be
erased: the commitment is an HMAC-SHA256 of their text, whose key is random and erased with them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timezone

START = "0" * 64
"""What takes the place of a hash before the first entry."""


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as the chain sees it. `salt` is None once the details were erased."""

    place: int | None
    at: datetime
    actor: str
    act: str
    subject: str
    details: str
    salt: str | None
    commitment: str
    hash: str | None


def commit(details: str, salt: str) -> str:
    """Return the commitment to details: 64 hex digits."""
    return hmac.new(salt.encode(), details.encode(), hashlib.sha256).hexdigest()


def hash_of(link: Link, place: int, previous: str) -> str:
    """Return the hash of an entry at a place of the chain, after the entry with the hash `previous`."""
    at = link.at.astimezone(timezone.utc).isoformat(timespec="microseconds")
    parts = [place, at, link.actor, link.act, link.subject, link.commitment, previous]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def flaw(link: Link, place: int, previous: str) -> str | None:
    """Return what is wrong with an entry that should be at `place` after `previous`; None if it is intact."""
    if link.place != place:
        return f"place {place} is missing; the next entry has place {link.place}"
    if link.salt is not None and not hmac.compare_digest(commit(link.details, link.salt), link.commitment):
        return f"the details at place {place} were changed"
    if link.hash != hash_of(link, place, previous):
        return f"the entry at place {place} was changed, or what stood before it"
    return None

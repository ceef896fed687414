"""Our own ids."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime

import uuid_utils


def new_id() -> str:
    """Return a new UUIDv7 as 36 characters of text.

    Later ids sort after earlier ones (to the millisecond between processes), so a primary key is also an order of
    arrival and new rows land at the end of its index.
    """
    return str(uuid_utils.uuid7())


def id_of(at: datetime, place: int, *key: str) -> str:
    """Return the id of what `key` names, which came `at` that time: the same whenever it is asked for again.

    It is a UUIDv8 that sorts where a new id of that moment would, and within a millisecond by `place`. What is read
    from one webhook so has one id, also when it is read again from an older copy of the database.
    """
    milliseconds = int(at.timestamp() * 1000) & (1 << 48) - 1
    digest = int.from_bytes(hashlib.sha256("\x00".join(key).encode(errors="replace")).digest()[:8], "big")
    whole = milliseconds << 80 | 8 << 76 | min(place, 0xFFF) << 64 | 2 << 62 | digest >> 2
    return str(uuid.UUID(int=whole))


def first_from(moment: datetime) -> str:
    """Return the lower bound of the ids of `new_id` and `id_of` from this moment on."""
    return str(uuid.UUID(int=max(int(moment.timestamp() * 1000), 0) << 80))


def trace_id(request_id: str) -> str:
    """Return the id of the trace of a request, as 32 hex digits."""
    return hashlib.sha256(f"trace:{request_id}".encode()).hexdigest()[:32]


def first_span_id(request_id: str) -> int:
    """Return the id of the first span of a request's trace, of 64 bits."""
    return int(hashlib.sha256(f"span:{request_id}".encode()).hexdigest()[:16], 16) or 1

"""A caller's retry is the same message: `Idempotency-Key`.

A key is as durable as the message it stands for, because both are one commit, and it lasts for 48 hours, or for as
long as its caller may come again. What a retry is answered is worked out from the message as it stands then; nothing of
an answer is stored.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.errors import IdempotencyConflict, IdempotencyMismatch, Invalid
from app.models import Message
from app.store import idempotency, messages

KEPT_FOR = timedelta(hours=48)
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Retry:
    """How a caller marked a request: who, with which key, and what exactly was asked."""

    caller: str
    key: str
    fingerprint: str
    kept_for: timedelta = KEPT_FOR


def read_key(header: str | None, caller: str, path: str, raw: bytes) -> Retry | None:
    """Read the `Idempotency-Key` header; None without one. Raises `Invalid` for an unusable key."""
    if header is None:
        return None
    if not 0 < len(header) <= LONGEST_KEY or not header.isascii() or not header.isprintable():
        raise Invalid(fields={"Idempotency-Key": [f"must be 1 to {LONGEST_KEY} plain ASCII characters"]})
    return Retry(caller, header, hashlib.sha256(path.encode() + b"\n" + raw).hexdigest())


def claim(session: Session, retry: Retry, message_id: str, now: datetime) -> Message | None:
    """Take the key for a new message, or return the message it already stands for.

    The new message must be in the session's transaction already. Raises `IdempotencyMismatch` if the key stands for
    another request, and `IdempotencyConflict` if the first one is still running.
    """
    row = {
        "caller": retry.caller,
        "key": retry.key,
        "fingerprint": retry.fingerprint,
        "message_id": message_id,
        "forget_at": now + retry.kept_for,
    }
    if idempotency.claim(session, row):
        return None
    found = idempotency.find(session, retry.caller, retry.key)
    assert found is not None
    if found.fingerprint != retry.fingerprint:
        raise IdempotencyMismatch
    message = messages.find(session, found.message_id)
    if message is None or (message.status == "sending" and message.mode == "sync"):
        raise IdempotencyConflict
    return message

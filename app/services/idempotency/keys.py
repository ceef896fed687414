"""Idempotency keys of messages: the same `Idempotency-Key` of the same caller means the same message.

The key is committed in the transaction that writes the message, and is kept for 48 hours, or for as long as its caller
may retry. A repeated request is answered from the message's present state; no answer is stored. Keys of other requests
are in `requests`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.errors import GatewayError, IdempotencyConflict, IdempotencyMismatch, Invalid
from app.models import IdempotencyKey, Message
from app.store import idempotency, messages

KEPT_FOR = timedelta(hours=48)
MAX_KEY_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Retry:
    """A request's idempotency key: its caller, the key, and a fingerprint of path and body.

    `key` is the SHA-256 of the caller's text, and is stored. `written` is that text; it may name a person, so it is not
    stored. Earlier releases stored it, and their rows are still found until they expire.
    """

    caller: str
    key: str
    fingerprint: str
    kept_for: timedelta = KEPT_FOR
    written: str | None = None


class KeyTaken(Exception):
    """Another request has used one of these keys meanwhile: roll back, and call again."""


def read_key(header: str | None, caller: str, path: str, raw: bytes, field: str = "Idempotency-Key") -> Retry | None:
    """Read the `Idempotency-Key` header of a request to `path` with the body `raw`; None without one.

    Raises `Invalid`, which names `field`, for an unusable key.
    """
    if header is None:
        return None
    if not 0 < len(header) <= MAX_KEY_LENGTH or not header.isascii() or not header.isprintable():
        raise Invalid(fields={field: [f"must be 1 to {MAX_KEY_LENGTH} plain ASCII characters"]})
    return Retry(caller, hashlib.sha256(header.encode()).hexdigest(), fingerprint(path, raw), written=header)


def fingerprint(path: str, raw: bytes) -> str:
    """Return the SHA-256 of path and body as hex digits. The order of JSON members does not change it."""
    try:
        body = canonical(json.loads(raw)) if raw else b""
    except (ValueError, RecursionError):
        body = raw
    return hashlib.sha256(path.encode() + b"\n" + body).hexdigest()


def canonical(tree: Any) -> bytes:
    """Return JSON in canonical form: members sorted, no spaces."""
    return json.dumps(tree, sort_keys=True, separators=(",", ":")).encode()


def claim_key(session: Session, retry: Retry, message_id: str, now: datetime) -> Message | None:
    """Claim the key for a new message; return the earlier message if the key was used before, else None.

    The new message must be in the session's transaction already. Raises `IdempotencyMismatch` if the key was used for
    another request, and `IdempotencyConflict` if the first one is still running.
    """
    earlier = idempotency.find(session, retry.caller, retry.written) if retry.written is not None else None
    if earlier is not None:
        return _known_message(session, earlier, retry)
    if idempotency.claim(session, _row(retry, message_id, now)):
        return None
    found = idempotency.find(session, retry.caller, retry.key)
    assert found is not None
    return _known_message(session, found, retry)


def find_keys(session: Session, retries: Sequence[Retry | None]) -> list[Message | GatewayError | None]:
    """For each key, return the message it was used for, or the error that its use means; None for a new or no key."""
    found: dict[tuple[str, str], IdempotencyKey] = {}
    for caller in {retry.caller for retry in retries if retry is not None}:
        own = [retry for retry in retries if retry is not None and retry.caller == caller]
        keys = [key for retry in own for key in (retry.key, retry.written) if key is not None]
        found |= {(caller, row.key): row for row in idempotency.find_many(session, caller, keys)}
    answers: list[Message | GatewayError | None] = []
    for retry in retries:
        row = None
        if retry is not None:
            row = found.get((retry.caller, retry.key)) or found.get((retry.caller, retry.written or ""))
        try:
            answers.append(_known_message(session, row, retry) if row is not None and retry is not None else None)
        except GatewayError as error:
            answers.append(error)
    return answers


def claim_keys(session: Session, claims: Sequence[tuple[Retry, str]], now: datetime) -> None:
    """Claim keys for new messages, given with their ids. Raises `KeyTaken` if one was used meanwhile."""
    # In one order, so that two requests with the same keys cannot deadlock.
    rows = sorted((_row(retry, message_id, now) for retry, message_id in claims), key=lambda row: row["key"])
    if rows and not idempotency.claim_all(session, rows):
        raise KeyTaken


def _row(retry: Retry, message_id: str, now: datetime) -> dict[str, Any]:
    return {
        "caller": retry.caller,
        "key": retry.key,
        "fingerprint": retry.fingerprint,
        "message_id": message_id,
        "forget_at": now + retry.kept_for,
    }


def _known_message(session: Session, row: IdempotencyKey, retry: Retry) -> Message:
    if row.fingerprint != retry.fingerprint:
        raise IdempotencyMismatch
    message = messages.find(session, row.message_id)
    if message is None or (message.status == "sending" and message.mode == "sync"):
        raise IdempotencyConflict
    return message

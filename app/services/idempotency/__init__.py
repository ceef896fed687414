"""Idempotency keys: a caller's retry with the same `Idempotency-Key` is the same request.

`keys` reads the header and claims keys of messages, in the transaction that writes the message. `requests` keeps the
keys and the encrypted answers of all other requests, and the keys of batches. The tables are in `store.idempotency`.
"""

from app.services.idempotency.keys import (
    MAX_KEY_LENGTH,
    KeyTaken,
    Retry,
    canonical,
    claim_key,
    claim_keys,
    find_keys,
    read_key,
)
from app.services.idempotency.requests import IdempotentRequests, claim_batch, find_batch

__all__ = [
    "MAX_KEY_LENGTH", "IdempotentRequests", "KeyTaken", "Retry", "canonical", "claim_batch", "claim_key", "claim_keys",
    "find_batch", "find_keys", "read_key",
]  # fmt: skip

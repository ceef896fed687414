"""Standard Webhooks 1.0.0: how posts to the user's app are signed, and how a receiver checks them.

The signed text is `<id>.<timestamp>.<body>`, the signature `v1,` and the base64 of its HMAC-SHA256. While a secret is
being rotated there are several signatures, separated by spaces.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Length limits of a secret in bytes, by the standard."""

TOLERANCE_SECONDS = 300
"""How many seconds a timestamp may differ from the receiver's clock; this limits replays of a recorded request."""

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


class WrongSecret(ValueError):
    """The text is no secret of this standard. The message says what a secret looks like, without the text."""


class NotVerified(ValueError):
    """The request is not proven to be signed with the secret, or is too old. The message says which check failed."""


def new_secret() -> str:
    """Return a new secret, in the form that the receiver gets."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def read_secret(text: str) -> bytes:
    """Return the bytes of a secret written as `whsec_` and base64. Raises `WrongSecret`."""
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True) if text.startswith(PREFIX) else b""
    except ValueError:
        key = b""
    if not SHORTEST <= len(key) <= LONGEST:
        raise WrongSecret(f"must be {PREFIX} followed by the base64 of {SHORTEST} to {LONGEST} random bytes")
    return key


def sign(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """Return one signature (`v1,…`) of a body. Raises `WrongSecret`."""
    mac = _keyed(secret).copy()
    mac.update(f"{webhook_id}.{timestamp}.".encode())
    mac.update(body)
    return "v1," + base64.b64encode(mac.digest()).decode()


@lru_cache(maxsize=256)
def _keyed(secret: str) -> hmac.HMAC:
    """Return the HMAC of nothing yet. A copy of it hands the interpreter to no other thread, as `hmac.digest` does."""
    return hmac.new(read_secret(secret), digestmod="sha256")


def headers(in_force: Iterable[str], webhook_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers of a request, signed with each secret in force. `now` must be aware."""
    timestamp = int(now.timestamp())
    signatures = [sign(secret, webhook_id, timestamp, body) for secret in in_force]
    return {ID: webhook_id, TIMESTAMP: str(timestamp), SIGNATURE: " ".join(signatures)}


def verify(
    secret: str, given: Mapping[str, str], body: bytes, *, now: datetime, tolerance: int = TOLERANCE_SECONDS
) -> None:
    """Check the headers `given` of a request; return if one of the signatures matches, else raise `NotVerified`.

    The names of the headers may be in any case. Raises `WrongSecret` for a malformed secret.
    """
    key = read_secret(secret)
    found = {name.lower(): value for name, value in given.items()}
    missing = [name for name in (ID, TIMESTAMP, SIGNATURE) if not found.get(name)]
    if missing:
        raise NotVerified(f"missing: {', '.join(missing)}")
    timestamp = found[TIMESTAMP]
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise NotVerified(f"{TIMESTAMP} is not a number of seconds")
    away = int(timestamp) - now.timestamp()
    if abs(away) > tolerance:
        raise NotVerified(f"{TIMESTAMP} is {abs(away):.0f} seconds {'ahead of' if away > 0 else 'behind'} the clock")
    expected = _digest(key, found[ID], timestamp, body)
    # All signatures are compared even after a match, so that the response time reveals nothing.
    fits = [hmac.compare_digest(expected, claimed) for claimed in _signatures(found[SIGNATURE])]
    if not any(fits):
        raise NotVerified(f"no {SIGNATURE} fits this body and this secret")


def _digest(key: bytes, webhook_id: str, timestamp: str, body: bytes) -> bytes:
    return hmac.digest(key, f"{webhook_id}.{timestamp}.".encode() + body, "sha256")


def _signatures(header: str) -> Iterable[bytes]:
    for each in header.split():
        version, _, encoded = each.partition(",")
        if version == "v1":
            try:
                yield base64.b64decode(encoded, validate=True)
            except ValueError:
                continue

"""Meta's webhook signatures: HMAC-SHA256 of the exact bytes received, with the app's secret (Meta: webhooks)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence

_HEADER = re.compile(r"sha256=([0-9a-f]{64})")


def sign_meta(secret: str, raw: bytes) -> str:
    """Return the value of `X-Hub-Signature-256` for a body."""
    return f"sha256={hmac.digest(secret.encode(), raw, 'sha256').hex()}"


def is_meta_signature(header: str | None) -> bool:
    """Return whether a header's value has the form of a signature. If not, the body need not be read."""
    return _HEADER.fullmatch(header or "") is not None


def verify_meta_signature(secrets: Sequence[str], raw: bytes, header: str | None) -> int | None:
    """Return the position of the first secret that signed `raw`, or None when none did.

    A missing or malformed header is no signature. Every secret is compared even after a match, so that the response
    time reveals nothing. An empty secret never matches, because anyone could sign with it.
    """
    match = _HEADER.fullmatch(header or "")
    if match is None:
        return None
    claimed = bytes.fromhex(match[1])
    fits = [hmac.compare_digest(hmac.digest(secret.encode(), raw, "sha256"), claimed) for secret in secrets]
    return next((index for index, fit in enumerate(fits) if fit and secrets[index]), None)

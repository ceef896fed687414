"""Trial webhooks of the gateway's own: they travel as Meta's do, and tell what became of them on the way.

A trial carries a header that only this gateway can make: it is signed with `SECRET_KEY`, valid for a minute, and names
the hash of the one body that it is about. Its receiver stores nothing, and answers what arrived. Whoever gets to see a
trial (the public address may lead to a stranger) can repeat that trial, and make nothing else one.
"""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qsl, urlencode

from app.security.signed_links import is_signed, signed

HEADER = "X-Gateway-Probe"
ENVIRON = "HTTP_X_GATEWAY_PROBE"
"""The header's name in WSGI."""

STATUS = "probe"
"""`status` in the answer to a trial; of a webhook that was stored it is `ok`."""

LIFETIME_SECONDS = 60
"""For a call of some seconds and clocks that differ. A trial that comes later is a webhook like any other."""

_PURPOSE = "trial webhook"
_BODY = "sha256"
_NAMES = frozenset({_BODY})


def make(secret_key: str, body: bytes, now: float) -> str:
    """Return the header's value for a trial with this body, at a time in seconds since 1970."""
    facts = {_BODY: hashlib.sha256(body).hexdigest()}
    return urlencode(signed(secret_key, _PURPOSE, facts, now + LIFETIME_SECONDS))


def body_hash(secret_key: str, value: str, now: float) -> str | None:
    """Return the SHA-256, in hexadecimal, of the body that a header of ours is about; None if we did not make it within
    the last minute."""
    query = dict(parse_qsl(value[:500]))
    return query[_BODY] if is_signed(secret_key, _PURPOSE, query, _NAMES, now) else None

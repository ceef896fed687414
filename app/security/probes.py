"""Trial webhooks of the gateway's own: they travel as Meta's do, and tell what became of them on the way.

A trial carries a header that only this gateway can make, since it is signed with `SECRET_KEY` and valid for five
minutes. Its receiver stores nothing, and answers what arrived.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from app.security.signed_links import LIFETIME_SECONDS, is_signed, signed

HEADER = "X-Gateway-Probe"
ENVIRON = "HTTP_X_GATEWAY_PROBE"
"""The header's name in WSGI."""

STATUS = "probe"
"""`status` in the answer to a trial; of a webhook that was stored it is `ok`."""

_PURPOSE = "trial webhook"
_NAMES = frozenset({"trial"})


def make(secret_key: str, trial: str, now: float) -> str:
    """Return the header's value for a trial of this name, at a time in seconds since 1970."""
    return urlencode(signed(secret_key, _PURPOSE, {"trial": trial}, now + LIFETIME_SECONDS))


def is_ours(secret_key: str, value: str, now: float) -> bool:
    """Return whether this gateway made the header's value within the last five minutes."""
    query = dict(parse_qsl(value[:500]))
    return is_signed(secret_key, _PURPOSE, query, _NAMES, now)

"""Links that work for a limited time without an API key, each for one resource only.

A link's query holds what it opens, until when, and a keyed hash of both. Links are not stored; a new `SECRET_KEY` makes
all of them invalid.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

LIFETIME_SECONDS = 300
"""As long as Meta's own URLs of files are valid."""

EXPIRES, SIGNATURE = "expires", "signature"


def signed(secret_key: str, purpose: str, facts: Mapping[str, str], expires: float) -> dict[str, str]:
    """Return the query of a link: `facts`, the expiry in seconds since 1970, and the signature of both.

    `purpose` separates kinds of links, so that a link of one kind is not valid as another.
    """
    query = {**facts, EXPIRES: str(int(expires))}
    return {**query, SIGNATURE: _sign(secret_key, purpose, query)}


def is_signed(secret_key: str, purpose: str, query: Mapping[str, str], names: frozenset[str], now: float) -> bool:
    """Return whether `signed` made this query, of facts with these names, and the link has not expired.

    Other parameters of the query are not checked and must not be used.
    """
    told = {name: query[name] for name in {*names, EXPIRES} if name in query}
    if told.keys() != {*names, EXPIRES} or not (told[EXPIRES].isascii() and told[EXPIRES].isdecimal()):
        return False
    given = query.get(SIGNATURE, "").encode()
    fits = hmac.compare_digest(given, _sign(secret_key, purpose, told).encode())
    return fits and int(told[EXPIRES]) > now


def _sign(secret_key: str, purpose: str, query: Mapping[str, str]) -> str:
    # Each part is preceded by its length, so that two different queries never have the same signed text.
    parts = [purpose, *(text for name in sorted(query) for text in (name, query[name]))]
    written = b"".join(b"%d:%b" % (len(part), part) for part in (text.encode() for text in parts))
    return hmac.digest(secret_key.encode(), b"link:" + written, "sha256").hex()

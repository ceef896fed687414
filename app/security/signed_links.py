"""Links that work for a while without a key: whoever was given one may open this one thing, and nothing else.

A link says in its query what it opens and until when, and a keyed hash of both. Nothing is kept of it; another
`SECRET_KEY` ends all links.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

LIFETIME_SECONDS = 300
"""As long as Meta's own URLs of files work."""

EXPIRES, SIGNATURE = "expires", "signature"


def signed(secret_key: str, purpose: str, facts: Mapping[str, str], expires: float) -> dict[str, str]:
    """Return the query of a link: `facts`, when it ends in seconds since 1970, and the signature of both.

    `purpose` tells kinds of links apart, so that one kind's is never another's.
    """
    query = {**facts, EXPIRES: str(int(expires))}
    return {**query, SIGNATURE: _sign(secret_key, purpose, query)}


def is_signed(secret_key: str, purpose: str, query: Mapping[str, str], names: frozenset[str], now: float) -> bool:
    """Whether a query is that of a link that `signed` made of facts with these names, and the link has not ended.

    What else stands in the query is not looked at, and must not be used.
    """
    told = {name: query[name] for name in {*names, EXPIRES} if name in query}
    if told.keys() != {*names, EXPIRES} or not (told[EXPIRES].isascii() and told[EXPIRES].isdecimal()):
        return False
    given = query.get(SIGNATURE, "").encode()
    fits = hmac.compare_digest(given, _sign(secret_key, purpose, told).encode())
    return fits and int(told[EXPIRES]) > now


def _sign(secret_key: str, purpose: str, query: Mapping[str, str]) -> str:
    # Each part goes with its length, so that no two queries are signed alike.
    parts = [purpose, *(text for name in sorted(query) for text in (name, query[name]))]
    written = b"".join(b"%d:%b" % (len(part), part) for part in (text.encode() for text in parts))
    return hmac.digest(secret_key.encode(), b"link:" + written, "sha256").hex()

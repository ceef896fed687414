"""Headers of every answer, unless its view said otherwise: no sniffing, framing, referrers, or copies in caches.

`Strict-Transport-Security` is left to the proxy that ends TLS: the gateway does not know what else its host serves.
"""

from __future__ import annotations

COMMON = (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"))

NO_PAGE = (("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"), ("X-Frame-Options", "DENY"))
"""For answers that are no pages: a browser that shows one all the same loads and runs nothing, and in no frame."""

PRIVATE = ("Cache-Control", "no-store")

ALL = (*COMMON, *NO_PAGE, PRIVATE)


def add_missing(headers: list[tuple[str, str]]) -> None:
    """Add the headers that an answer does not have."""
    given = {name.lower(): value for name, value in headers}
    headers.extend(each for each in COMMON if each[0].lower() not in given)
    is_page = given.get("content-type", "").startswith("text/html")
    if not is_page and "content-security-policy" not in given:
        headers.extend(each for each in NO_PAGE if each[0].lower() not in given)
    if "cache-control" not in given and "etag" not in given:
        headers.append(PRIVATE)

"""Addresses of sign-in links."""

from __future__ import annotations

from flask import url_for

from app.web.context import gateway


def sign_in_url(token: str) -> str:
    """Return the address of a sign-in link: below `PUBLIC_URL`, else where this request came to."""
    home = gateway().config.public_url
    if not home:
        return url_for("inbox_sign_in.offer", token=token, _external=True)
    return f"{home}/inbox/sign-in/{token}"

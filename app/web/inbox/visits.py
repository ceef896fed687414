"""The cookie of a browser. Its text is random; what it means is a row of the database, or nothing.

Flask's session is replaced: it holds nothing but the secret of the forms' tokens, which is computed from the cookie.
A browser that is not signed in gets a cookie too, as soon as it is shown a form, and another one when it signs in.
"""

from __future__ import annotations

import hmac
import re
import secrets
from datetime import datetime
from typing import Any

from flask import Flask, Request, Response, g, request, session
from flask.sessions import SessionInterface, SessionMixin

CSRF = "csrf_token"
"""The key under which Flask-WTF looks for the secret of a session's forms."""

BELOW = ("/inbox", "/media")
"""Where cookies count. Everywhere else nothing is read or set."""

_COOKIE = re.compile(r"[A-Za-z0-9_-]{43}")


class Visit(dict[str, Any], SessionMixin):
    """A request's cookie. `cookie` is its text, `expires_at` until when a new one is to be kept."""

    def __init__(self, secret_key: str, cookie: str, *, is_new: bool) -> None:
        super().__init__()
        self.cookie, self.is_new = cookie, is_new
        self.expires_at: datetime | None = None
        self.is_over = False
        self._secret_key = secret_key
        self[CSRF] = self._csrf()

    def begin(self, cookie: str, expires_at: datetime) -> None:
        """Set a new cookie, for somebody who has just signed in."""
        self.cookie, self.expires_at, self.is_new = cookie, expires_at, True
        self[CSRF] = self._csrf()
        g.pop(CSRF, None)

    def end(self) -> None:
        """Delete the cookie."""
        self.is_over = True

    def _csrf(self) -> str:
        return hmac.digest(self._secret_key.encode(), b"csrf:" + self.cookie.encode(), "sha256").hex()


class Visits(SessionInterface):
    """Reads and sets the cookie."""

    def __init__(self, secret_key: str) -> None:
        """`secret_key` also makes the cookie's name, since all ports and prefixes of a host share its cookies."""
        self._secret_key = secret_key
        self._suffix = hmac.digest(secret_key.encode(), b"cookie", "sha256").hex()[:8]

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:
        """Return the request's visit; None, which is Flask's empty session, outside the pages."""
        if not request.path.startswith(BELOW):
            return None
        cookie = request.cookies.get(self._name(request), "")
        is_new = not _COOKIE.fullmatch(cookie)
        return Visit(self._secret_key, secrets.token_urlsafe(32) if is_new else cookie, is_new=is_new)

    def is_null_session(self, obj: object) -> bool:
        """Return whether there is nothing to save."""
        return not isinstance(obj, Visit)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Set a new cookie if a form was shown or somebody signed in; delete it after signing out."""
        assert isinstance(session, Visit)
        options: dict[str, Any] = {"path": "/", "secure": request.is_secure, "httponly": True, "samesite": "Lax"}
        if session.is_over:
            response.delete_cookie(self._name(request), **options)
        elif session.is_new and (session.expires_at or CSRF in g):
            response.set_cookie(self._name(request), session.cookie, expires=session.expires_at, **options)

    def _name(self, request: Request) -> str:
        # Browsers accept a cookie with this prefix only over HTTPS, from this very host, for all of its paths.
        return f"{'__Host-' if request.is_secure else ''}inbox-{self._suffix}"


def visit() -> Visit:
    """Return the visit of this request."""
    found: object = session._get_current_object()  # type: ignore[attr-defined]
    assert isinstance(found, Visit)
    return found

"""People of the team in tests: added, signed in, and using pages as their browser does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.container import Gateway
from app.domain.people import Person

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "en"}
_TOKEN = re.compile(r'<meta name="csrf-token" content="([^"]+)"')


class Browser:
    """A client that asks for pages, and sends the token of the last page with whatever changes something."""

    def __init__(self, app: Flask, *, language: str = "en", base_url: str = "http://localhost") -> None:
        self.client: FlaskClient = app.test_client()
        self.token = ""
        self._headers = PAGE | {"Accept-Language": language}
        self._base_url = base_url

    def open(self, path: str, method: str = "GET", **more: Any) -> TestResponse:
        """Make a request; redirects are not followed."""
        headers = self._headers | dict(more.pop("headers", {}))
        if method not in ("GET", "HEAD"):
            headers.setdefault("X-CSRFToken", self.token)
        response = self.client.open(path, method=method, base_url=self._base_url, headers=headers, **more)
        found = _TOKEN.search(response.text) if response.mimetype == "text/html" else None
        self.token = found[1] if found else self.token
        return response

    def get(self, path: str, **more: Any) -> TestResponse:
        """GET a page."""
        return self.open(path, **more)

    def post(self, path: str, **more: Any) -> TestResponse:
        """POST with the token of the last page."""
        return self.open(path, "POST", **more)

    def enter(self, token: str) -> TestResponse:
        """Sign in by a link."""
        self.get(f"/inbox/sign-in/{token}")
        response = self.post(f"/inbox/sign-in/{token}")
        self.get("/inbox")
        return response


def add(gateway: Gateway, name: str = "Ana", role: str = "agent", numbers: Sequence[str] | None = None) -> Person:
    """Add a person."""
    return gateway.people.add(name, role, numbers)


def sign_in(
    app: Flask, name: str = "Ana", role: str = "agent", numbers: Sequence[str] | None = None, **more: Any
) -> Browser:
    """Add a person; return their browser, in which they are signed in."""
    gateway: Gateway = app.extensions["gateway"]
    browser = Browser(app, **more)
    assert browser.enter(gateway.people.make_link(add(gateway, name, role, numbers).id)).status_code == 303
    return browser

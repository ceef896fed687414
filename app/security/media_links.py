"""Addresses of files: the lasting one, which needs a key or a session, and links that work without for a while."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from app.security.signed_links import is_signed, signed

LIFETIME_SECONDS = 3600
"""How long a link works at least, unless the caller wants another time."""

STEP_SECONDS = 900
"""Links of the same quarter of an hour are the same text, so that a browser's cache and an ETag hold."""

_PURPOSE = "media"
_ID = "id"
_NAMES = frozenset({_ID})
_IN_JSON = re.compile(rb'"media_id":"([0-9a-f-]{36})","url":"/media/\1"')


def path_of(media_id: str) -> str:
    """Return the lasting path of a file. Without a key, a session or a signature it answers 401."""
    return f"/media/{media_id}"


class MediaLinks:
    """Makes and checks signed links to files. A new `SECRET_KEY` ends all of them."""

    def __init__(self, secret_key: str) -> None:
        self._secret_key = secret_key

    def link(self, media_id: str, lifetime_seconds: float = LIFETIME_SECONDS, now: float | None = None) -> str:
        """Return a path with a query that opens this file alone, at least as long as asked and a little longer."""
        until = (time.time() if now is None else now) + lifetime_seconds
        expires = (until // STEP_SECONDS + 1) * STEP_SECONDS if lifetime_seconds >= STEP_SECONDS else until
        query = signed(self._secret_key, _PURPOSE, {_ID: media_id}, expires)
        return f"{path_of(media_id)}?{urlencode({name: text for name, text in query.items() if name != _ID})}"

    def opens(self, media_id: str, query: Mapping[str, str], now: float | None = None) -> bool:
        """Return whether the query of a request is that of a link to this file which has not expired."""
        told = {**query, _ID: media_id}
        return is_signed(self._secret_key, _PURPOSE, told, _NAMES, time.time() if now is None else now)

    def in_message(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return a normalised message whose `content.url` is a signed link. Only what is changed is copied."""
        content = message.get("content")
        if not isinstance(content, dict) or not isinstance(content.get("media_id"), str):
            return message
        if content.get("url") != path_of(content["media_id"]):
            return message
        return {**message, "content": {**content, "url": self.link(content["media_id"])}}

    def in_body(self, body: bytes) -> bytes:
        """Return the JSON of events in which each `url` of a message's file is a signed link.

        Events keep the lasting path, so that one which is delivered late, or once more, has a link that works. What a
        customer writes cannot look like this: in a JSON text its quotes have backslashes before them.
        """
        return _IN_JSON.sub(self._signed, body) if b'"media_id":"' in body else body

    def _signed(self, found: re.Match[bytes]) -> bytes:
        media_id = found[1].decode()
        return b'"media_id":"%b","url":"%b"' % (found[1], self.link(media_id).encode())

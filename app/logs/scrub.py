"""Remove secrets and personal data from a text before it is logged."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

_WAMID = re.compile(r"wamid\.[A-Za-z0-9+/=_-]+")
_NUMBER = re.compile(r"(?<![\w.-])\+?[0-9]{8,20}(?![\w-])|\+[0-9](?:[ ().-]{0,2}[0-9]){6,19}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
SHORTEST_SECRET = 6


class Scrubber:
    """Removes known secrets from texts, in plain and URL-encoded form.

    A database password shorter than 6 characters is not removed, because ordinary words would contain it.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for text in secrets if len(text) >= SHORTEST_SECRET for form in (text, quote(text, safe=""))}
        longest_first = sorted(forms, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def ours(self, text: str) -> str:
        """Return a text of our own on one line, without secrets or wamids: a wamid holds its customer's number."""
        text = self._secrets.sub("[secret]", text)
        return _CONTROL.sub(_escape, _WAMID.sub("[wamid]", text))

    def foreign(self, text: str) -> str:
        """Return a text that a library wrote, on one line, without secrets, wamids, or what may be a phone number."""
        return _NUMBER.sub("[number]", self.ours(text))


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()

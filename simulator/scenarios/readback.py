"""What a deployment made of the webhooks, read through its own API as any app would."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection
from typing import Any

import requests

from simulator.scenarios.bodies import Key

_CALL_SECONDS = 30.0
_PAGE = 500
_WAIT_SECONDS = 1


class Readback:
    """Follows a deployment's events from the moment this was made, and counts items.

    Raises `requests.RequestException` when the API cannot be reached or does not take the key.
    """

    def __init__(self, base_url: str, api_key: str) -> None:
        self._url = f"{base_url}/api/events"
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the machine's would carry the key away
        self._session.headers["Authorization"] = f"Bearer {api_key}"
        self._session.headers["X-Echo-Bot"] = "0"  # it answers nobody, so that the echo bot need not stay away
        self._cursor: str = self._page("newest", limit=1)["next_cursor"]

    def count(self, keys: Collection[Key], patience: float) -> Counter[Key]:
        """How often each of `keys` became an event, once all have or none has for `patience` seconds."""
        wanted, seen = set(keys), Counter[Key]()
        heard_at = time.monotonic()
        while True:
            wait = _WAIT_SECONDS if len(seen) < len(wanted) else 0
            page = self._page(self._cursor, limit=_PAGE, wait=wait)
            self._cursor = page["next_cursor"]
            ours = [key for key in map(_key_of, page["data"]) if key in wanted]
            seen.update(ours)
            if ours:
                heard_at = time.monotonic()
            is_over = len(seen) == len(wanted) or time.monotonic() - heard_at > patience
            if is_over and not page["data"]:  # to the end, where an item that came twice would be
                return seen

    def close(self) -> None:
        """Let the connection go."""
        self._session.close()

    def _page(self, after: str, **params: int) -> dict[str, Any]:
        query: dict[str, str | int] = {"after": after, **params}
        answer = self._session.get(self._url, params=query, timeout=_CALL_SECONDS, allow_redirects=False)
        answer.raise_for_status()
        page: dict[str, Any] = answer.json()
        return page


def _key_of(event: dict[str, Any]) -> Key | None:
    data = event["data"]
    if event["type"] == "message.received":
        return data["message_id"], "received"
    if event["type"] == "message.status":
        return data["status"]["message_id"], data["status"]["status"]
    return None

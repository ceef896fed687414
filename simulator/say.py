"""Write as a customer through a running simulator, and read what the business answers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import requests

_CALL_SECONDS = 10.0


@dataclass(frozen=True)
class Conversation:
    """One customer's chat with the first number of a running simulator.

    With a `key`, `url` is that of a gateway that hands requests on to its simulator, as on a host with one port.
    """

    url: str
    wa_id: str
    key: str = ""

    def say(self, text: str, wait_seconds: float) -> list[str]:
        """Write a text; return the answers that came within the time: at once after the first, or none at the end.

        Raises `requests.RequestException` when the simulator cannot be reached or refuses.
        """
        before = self._chat()
        self._call("POST", f"{self._path()}/messages", json={"type": "text", "text": {"body": text}})
        known = {message["id"] for message in before["messages"]}
        deadline, version = time.monotonic() + wait_seconds, before["version"]
        while (left := deadline - time.monotonic()) > 0:
            chat = self._chat(after=version, wait=min(left, 5.0))
            version = chat["version"]
            answers = [item for item in chat["messages"] if item["from_business"] and item["id"] not in known]
            if answers:
                return [as_line(item) for item in answers]
        return []

    def _chat(self, **params: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._call("GET", self._path(), params=params).json()
        return answer

    def _path(self) -> str:
        number = self._call("GET", "/simulator/api/world").json()["numbers"][0]["phone_number_id"]
        return f"/simulator/api/chats/{number}/{self.wa_id}"

    def _call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        with requests.Session() as session:
            if self.key:
                session.auth = self._sign
            else:
                session.trust_env = False  # the simulator is on this machine; no proxy leads there
            answer = session.request(method, self.url.rstrip("/") + path, timeout=_CALL_SECONDS, **kwargs)
        answer.raise_for_status()
        return answer

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.key}"
        return request


def as_line(message: dict[str, Any]) -> str:
    """A message as one line of a terminal."""
    content = message["content"]
    body = content.get("body") if isinstance(content, dict) else None
    if isinstance(body, dict):
        body = body.get("text")
    return str(body) if body else f"[{message['type']}]"

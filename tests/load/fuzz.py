"""Bodies nobody in their right mind would send: seeded, and each category by name."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

from tests.load.bodies import Maker, Webhook

ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, -(2**63) - 1, 10**400, 1e308, -1e-300, 1795500000000, "1795500000", "9" * 30,
    "", "\u0000", "a\u0000b", "\ud800", "\udfff\ud800", "💥" * 50, "x" * 10_000, "\u202e\u200f", "NaN", "%s%s%n",
    "{{7*7}}", "2021-13-45", "../../etc/passwd", "'; DROP TABLE messages", "<script>", [], {}, [[]], [None],
    [1, "a", {}], {"": ""}, {"id": {"id": []}},
)  # fmt: skip
FIELDS = (
    "messages", "smb_message_echoes", "history", "calls", "account_update", "standby", "user_preferences",
    "message_template_status_update", "smb_app_state_sync", "group_lifecycle_update", "never_heard_of", "",
)  # fmt: skip
TOPS: tuple[Any, ...] = (
    *ODD_VALUES, {"object": "page", "entry": []}, {"entry": {}}, {"object": 1, "entry": [1]},
    {"object": "whatsapp_business_account"}, {"object": "whatsapp_business_account", "entry": [None]},
    {"object": "whatsapp_business_account", "entry": [{"changes": [7]}]},
)  # fmt: skip


class Fuzz:
    """Makes odd bodies; equal seeds make equal ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.maker = Maker("unused", seed)

    def body(self) -> bytes:
        """One odd body of a random category."""
        categories: tuple[Callable[[], bytes], ...] = (
            self.mutated, self.mutated, self.mutated, self.truncated, self.random_bytes, self.deep, self.not_a_number,
            self.huge_numbers, self.surrogates, self.unknown_type, self.other_top, self.flipped,
        )  # fmt: skip
        return self.random.choice(categories)()

    def mutated(self) -> bytes:
        """A real webhook with some values replaced by others of any type, or left out."""
        payload = self._payload()
        for _ in range(self.random.randint(1, 6)):
            self._replace_somewhere(payload)
        return _dump(payload)

    def truncated(self) -> bytes:
        """A real webhook cut short."""
        body = _dump(self._payload())
        return body[: self.random.randrange(len(body))]

    def random_bytes(self) -> bytes:
        """Noise."""
        return self.random.randbytes(self.random.randrange(2_000))

    def flipped(self) -> bytes:
        """A real webhook with a few bytes changed: often no UTF-8, often no JSON."""
        body = bytearray(_dump(self._payload()))
        for _ in range(self.random.randint(1, 8)):
            body[self.random.randrange(len(body))] = self.random.randrange(256)
        return bytes(body)

    def deep(self) -> bytes:
        """Nesting deeper than any parser's stack, closed or not."""
        depth = self.random.choice((500, 1_100, 20_000, 100_000))
        opening, closing = self.random.choice(((b"[", b"]"), (b'{"a":', b"}")))
        filling = b"1" if self.random.random() < 0.7 else b""
        return opening * depth + filling + (closing * depth if self.random.random() < 0.7 else b"")

    def not_a_number(self) -> bytes:
        """NaN and Infinity, which Python reads and JSON does not know."""
        word = self.random.choice((b"NaN", b"Infinity", b"-Infinity"))
        return _dump(self._payload()).replace(b'"1795500000"', word)

    def huge_numbers(self) -> bytes:
        """Integers past every column and past the parser's own limit."""
        digits = self.random.choice((20, 400, 5_000))
        return _dump(self._payload()).replace(b'"1795500000"', b"9" * digits)

    def surrogates(self) -> bytes:
        """Halves of characters and NULs in every text."""
        half = self.random.choice(("\ud83d", "\udc4d", "\u0000", "\ud800\u0000"))
        payload = self._payload()
        _map_texts(payload, lambda text: text + half if self.random.random() < 0.5 else text)
        return _dump(payload)

    def unknown_type(self) -> bytes:
        """Kinds of message, fields and statuses of years to come."""
        payload = self._payload()
        change = payload["entry"][0]["changes"][0]
        change["field"] = self.random.choice(FIELDS)
        for element in change["value"].get("messages", []) + change["value"].get("statuses", []):
            element["type"] = self.random.choice(("hologram", "", "id", "from", "__class__", "text"))
            element[element["type"]] = copy.deepcopy(self.random.choice(ODD_VALUES))
        return _dump(payload)

    def other_top(self) -> bytes:
        """Sound JSON that is no notification."""
        return _dump(self.random.choice(TOPS))

    def _payload(self) -> Any:
        webhook: Webhook = self.maker.one_text() if self.random.random() < 0.6 else self.maker.one_status()
        return json.loads(webhook.body)

    def _replace_somewhere(self, payload: Any) -> None:
        places = _places(payload)
        if not places:
            return
        container, key = self.random.choice(places)
        chance = self.random.random()
        if chance < 0.2 and isinstance(container, dict):
            container.pop(key, None)
        elif chance < 0.3 and isinstance(container, dict):
            container[str(self.random.choice(ODD_VALUES))[:50]] = container[key]
        else:
            container[key] = copy.deepcopy(self.random.choice(ODD_VALUES))


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON value, inner ones too."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    return [place for key in keys for place in [(value, key), *_places(value[key])]]


def _map_texts(value: Any, change: Callable[[str], str]) -> None:
    for container, key in _places(value):
        if isinstance(container[key], str):
            container[key] = change(container[key])


def _dump(payload: Any) -> bytes:
    """As text, lone halves of characters escaped, whatever the size of a number."""
    return json.dumps(payload, separators=(",", ":")).encode()

"""Webhooks as Meta sends them: signed, with ids that never were before, about people who cannot exist."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Any

from simulator.settings import BusinessNumber
from simulator.webhooks.payloads import envelope, number_value
from simulator.webhooks.postman import signature
from simulator.world import identifiers

LARGEST_BATCH = 1000  # Meta: webhooks/overview, "up to 1000 updates"
_STATUSES = ("sent", "delivered", "read")
_WORDS = "hola necesito ayuda con mi pedido de ayer gracias por la respuesta cuando llega el envío a casa €12 👍".split()
_AREAS = (212, 305, 415, 503, 617)

Key = tuple[str, str]
"""What an item is known by: a wamid, and `received` for a message or what a status says."""
Item = tuple[Key, dict[str, Any]]
"""An item, and the `value` that brings it alone."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One POST: its bytes, their signature, and the items inside."""

    body: bytes
    signature: str
    keys: tuple[Key, ...]


class Maker:
    """Makes items for some numbers, and webhooks of them. The customers' numbers are those reserved for fiction."""

    def __init__(self, app_secret: str, numbers: Sequence[BusinessNumber]) -> None:
        self._secret = app_secret
        self._numbers = numbers
        self._random = Random()
        self._people = [f"1{area}55501{last:02}" for area in _AREAS for last in range(100)]

    def one_by_one(self) -> Iterator[Webhook]:
        """Endless webhooks of one item each, from number to number."""
        for number, (key, value) in self._items():
            yield self._webhook([(number, value)], [key])

    def batches(self, size: int) -> Iterator[Webhook]:
        """Endless webhooks of `size` items each, every one of them about all the numbers."""
        items = self._items()
        while True:
            batch = list(islice(items, size))
            yield self._webhook([(number, value) for number, (_, value) in batch], [key for _, (key, _) in batch])

    def message(self, number: BusinessNumber) -> Item:
        """A customer's text."""
        wa_id = self._random.choice(self._people)
        wamid = identifiers.wamid(self._random, wa_id, from_business=False)
        text = " ".join(self._random.choices(_WORDS, k=self._random.randint(5, 60)))
        item = {"from": wa_id, "id": wamid, "timestamp": str(int(time.time())), "type": "text", "text": {"body": text}}
        contact = {"profile": {"name": f"Customer {wa_id[-2:]}"}, "wa_id": wa_id}
        return (wamid, "received"), number_value(number, contacts=[contact], messages=[item])

    def status(self, number: BusinessNumber, status: str) -> Item:
        """A report about a message that nobody sent: kept and counted like any other."""
        wa_id = self._random.choice(self._people)
        wamid = identifiers.wamid(self._random, wa_id, from_business=True)
        item = {"id": wamid, "status": status, "timestamp": str(int(time.time())), "recipient_id": wa_id}
        return (wamid, status), number_value(number, statuses=[item])

    def _items(self) -> Iterator[tuple[BusinessNumber, Item]]:
        """A message and three statuses, again and again: what a number hears that sends as much as it receives."""
        while True:
            for number in self._numbers:
                yield number, self.message(number)
                for status in _STATUSES:
                    yield number, self.status(number, status)

    def _webhook(self, values: Sequence[tuple[BusinessNumber, dict[str, Any]]], keys: Sequence[Key]) -> Webhook:
        changes = [(number.waba_id, {"field": "messages", "value": value}) for number, value in values]
        body = json.dumps(envelope(changes), separators=(",", ":")).encode()
        return Webhook(body, signature(self._secret, body), tuple(keys))

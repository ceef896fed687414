"""Every item of a batch exactly once, in whatever company it comes.

Long form, 40 batches of up to 1,000 items: `DRILL=long .venv/bin/pytest tests/drills/test_batches.py`.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest

from tests.drills.conftest import sized
from tests.load.bodies import PHONE_NUMBER_ID, WABA_ID, Maker, Webhook, dump
from tests.load.books import Books
from tests.load.gateway import APP_SECRET, Gateway
from tests.load.senders import post_all

SEED = 202
NUMBERS = (PHONE_NUMBER_ID, "700100200300401", "700100200300402")
POISON: dict[str, tuple[str, Any]] = {
    "a message that is null": ("messages", None),
    "a message that is a text": ("messages", "hello"),
    "a message without an id": ("messages", {"from": "34600111222", "type": "text", "text": {"body": "who am I"}}),
    "a status that is a list": ("statuses", [1, 2]),
    "a status without an id": ("statuses", {"status": "sent", "timestamp": "1795500100"}),
}


def test_it_takes_in_every_item_of_large_mixed_batches_once(gateway: Gateway) -> None:
    books, maker, chance = Books(gateway), Maker(APP_SECRET, SEED), random.Random(SEED)
    before = _outcomes(books)
    webhooks = [_batch(maker, chance, size) for size in _sizes(chance)]

    acks = post_all(gateway, webhooks, threads=4)

    books.wait_settled()
    assert len(acks.acknowledged) == len(webhooks)
    _assert_all_kept_once(books, webhooks)
    items = sum(len(webhook.messages) + len(webhook.statuses) for webhook in webhooks)
    assert _outcomes(books) - before == Counter(processed=items)


@pytest.mark.parametrize("poison", POISON)
def test_it_parks_the_poison_item_and_takes_in_its_neighbours(gateway: Gateway, poison: str) -> None:
    books, chance = Books(gateway), random.Random(poison)
    before = _outcomes(books)
    maker = Maker(APP_SECRET, SEED + 1 + list(POISON).index(poison))
    webhook = _batch(maker, chance, sized(60, 1_000), POISON[poison])

    post_all(gateway, [webhook])

    books.wait_settled()
    _assert_all_kept_once(books, [webhook])
    assert _outcomes(books) - before == Counter(processed=len(webhook.messages) + len(webhook.statuses), parked=1)


def _sizes(chance: random.Random) -> list[int]:
    return [1_000, 1, *(chance.randint(2, 1_000) for _ in range(sized(2, 38)))]


def _batch(maker: Maker, chance: random.Random, size: int, poison: tuple[str, Any] | None = None) -> Webhook:
    """`size` items and perhaps one poison item, strewn over entries, changes, numbers, messages and statuses."""
    left, entries, place = size, [], chance.randrange(size)
    messages: list[str] = []
    statuses: list[tuple[str, str]] = []
    while left:
        changes = []
        for _ in range(chance.randint(1, 3)):
            count = min(left, chance.randint(1, 400))
            arrays = _arrays(maker, chance, count)
            messages += [message["id"] for message in arrays["messages"]]
            statuses += [(status["id"], status["status"]) for status in arrays["statuses"]]
            if poison and left - count <= place < left:
                elements = arrays[poison[0]]
                elements.insert(chance.randint(0, len(elements)), poison[1])
            left -= count
            changes.append(maker.value(chance.choice(NUMBERS), **arrays))
            if not left:
                break
        entries.append({"id": WABA_ID, "changes": changes})
    body = dump({"object": "whatsapp_business_account", "entry": entries})
    return maker.signed(body, tuple(messages), tuple(statuses))


def _arrays(maker: Maker, chance: random.Random, count: int) -> dict[str, list[Any]]:
    cut = chance.randint(0, count)
    texts = [maker.text() for _ in range(cut)]
    reports = [maker.status(status=chance.choice(("sent", "delivered", "read"))) for _ in range(count - cut)]
    contacts = {contact["wa_id"]: contact for _, contact in texts}
    return {"contacts": list(contacts.values()), "messages": [text for text, _ in texts], "statuses": reports}


def _assert_all_kept_once(books: Books, webhooks: list[Webhook]) -> None:
    messages, statuses = books.messages(), books.statuses()
    for webhook in webhooks:
        assert {messages[wamid] for wamid in webhook.messages} <= {1}
        assert {statuses[key] for key in webhook.statuses} <= {1}


def _outcomes(books: Books) -> Counter[str]:
    """What the books say became of every item so far."""
    found: Counter[str] = Counter()
    for (pages,) in books.rows("SELECT books FROM notifications WHERE books IS NOT NULL"):
        for page in (json.loads(pages) if isinstance(pages, str) else pages).values():
            found.update(page)
    return found

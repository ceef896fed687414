"""Meta repeats webhooks, at once and to everybody: one message all the same."""

from __future__ import annotations

from tests.load.bodies import Maker
from tests.load.books import Books
from tests.load.gateway import APP_SECRET, Gateway
from tests.load.senders import post_all

COPIES = 100
THREADS = 32


def test_a_webhook_posted_100_times_at_once_is_one_message(gateway: Gateway) -> None:
    webhook = Maker(APP_SECRET, 1201).one_text()

    acks = post_all(gateway, [webhook] * COPIES, threads=THREADS)

    books = Books(gateway)
    books.wait_settled()
    assert len(acks.acknowledged) == COPIES and acks.refused == {}
    assert books.messages()[webhook.messages[0]] == 1


def test_a_status_posted_100_times_at_once_is_one_event(gateway: Gateway) -> None:
    books = Books(gateway)
    before = books.events()["message.status"]
    webhook = Maker(APP_SECRET, 1202).one_status()

    acks = post_all(gateway, [webhook] * COPIES, threads=THREADS)

    books.wait_settled()
    assert len(acks.acknowledged) == COPIES and acks.refused == {}
    assert books.events()["message.status"] == before + 1


def test_an_item_that_comes_again_inside_another_batch_is_taken_once(gateway: Gateway) -> None:
    maker = Maker(APP_SECRET, 1203)
    message, contact = maker.text()
    others = [maker.text() for _ in range(20)]
    first = maker.webhook([maker.value(contacts=[contact], messages=[message])])
    second = maker.webhook([
        maker.value(contacts=[known for _, known in [(message, contact), *others]],
                    messages=[item for item, _ in [*others, (message, contact)]])
    ])  # fmt: skip

    post_all(gateway, [first, second] * 5, threads=10)

    books = Books(gateway)
    books.wait_settled()
    kept = books.messages()
    assert {wamid: kept[wamid] for wamid in second.messages} == dict.fromkeys(second.messages, 1)

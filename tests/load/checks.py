"""The checker of every drill: what was acknowledged is kept, once, and the books say so too."""

from __future__ import annotations

from tests.load.bodies import Webhook
from tests.load.books import Books
from tests.load.gateway import Gateway
from tests.load.senders import Acks


def assert_exactly_once(gateway: Gateway, acks: Acks, posted: list[Webhook]) -> None:
    """`assert_kept_once`, and the gateway's own books balance, and the database is sound."""
    assert_kept_once(gateway, acks, posted)
    Books(gateway).assert_balanced()
    Books(gateway).assert_sound()


def assert_kept_once(gateway: Gateway, acks: Acks, posted: list[Webhook]) -> None:
    """Every acknowledged item is kept exactly once, each with its event, and nothing is kept that was not posted."""
    books = Books(gateway)
    books.wait_settled()
    messages, statuses, events = books.messages(), books.statuses(), books.events()

    assert acks.messages - set(messages) == set(), "acknowledged messages are missing"
    assert acks.statuses - set(statuses) == set(), "acknowledged statuses are missing"
    assert [wamid for wamid, times in messages.items() if times > 1] == [], "messages are doubled"
    assert [key for key, times in statuses.items() if times > 1] == [], "statuses are doubled"
    assert set(messages) <= {wamid for webhook in posted for wamid in webhook.messages}
    assert set(statuses) <= {key for webhook in posted for key in webhook.statuses}
    assert events["message.received"] == len(messages), "a message has no event, or two"
    assert events["message.status"] == len(statuses), "a status has no event, or two"

"""While a person answers a contact, no bot is woken by what the contact writes; everybody else is told of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from app.domain.handover import HandledBy
from app.services.contacts.handover import HandOver
from app.services.delivering.http_delivery import HttpDelivery
from app.services.delivering.replay import retry_delivery
from app.services.delivering.replies import SendReplies
from app.services.messages.read import is_revoked
from app.services.operations.audit import audit_balance
from tests.conftest import on_sqlite
from tests.factories import ANA, BO, OTHER_PNID, PNID, echo, echo_body, message_body, status, status_body, text
from tests.jobs.conftest import Harness
from tests.jobs.test_replies import sent
from tests.subscriber import App, Handler, Posted, answering, subscriber

Receive = Callable[..., None]
Get = Callable[..., Any]
REPLY = b'{"reply":"I am a bot"}'


@pytest.fixture
def bots(harness: Harness) -> Harness:
    """A worker's delivery loop, with the test's clock."""
    gateway = harness.gateway
    ask = HandOver(gateway.database, gateway.directory, gateway.hand_over._silence, harness.clock).with_a_person
    harness.post = HttpDelivery(harness.post._client, harness.clock, SendReplies(gateway.send, ask), ask)
    harness.deliver = harness.new_worker(8)
    return harness


def said(app: App) -> list[str]:
    return [json.loads(posted.body)["data"]["message"] for posted in app.posted]


def now(harness: Harness) -> int:
    return int(harness.clock().timestamp())


def hand_over(harness: Harness, to: HandledBy, contact_id: str, number: str | None = None) -> None:
    gateway = harness.gateway
    HandOver(gateway.database, gateway.directory, gateway.hand_over._silence, harness.clock)(contact_id, to, number)


@pytest.mark.parametrize("order", ["before", "after", "in one POST"])
def test_a_message_that_was_taken_back_wakes_no_bot(bots: Harness, receive: Receive, order: str) -> None:
    gateway = bots.gateway
    revoked = partial(is_revoked, gateway.database)
    bots.post = HttpDelivery(bots.post._client, bots.clock, SendReplies(gateway.send), is_revoked=revoked)
    bots.deliver = bots.new_worker(8)
    message = text("never mind", id="wamid.T", timestamp=now(bots))
    revocation = text(timestamp=now(bots)) | {"type": "revoke", "revoke": {"original_message_id": "wamid.T"}}
    items = [revocation, message] if order == "before" else [message, revocation]
    with subscriber(answering(200, REPLY)) as bot, subscriber() as crm:
        bots.endpoint(bot.url, "bot", replies=True, types=["message.received"])
        bots.endpoint(crm.url, "crm", types=["message.received"])
        receive(*([message_body(*items)] if order == "in one POST" else map(message_body, items)))
        bots.rounds()

        assert bot.posted == [] and said(crm) == ["never mind"]
    assert sorted(bots.states()) == ["delivered", "withheld"]


def test_who_answers_on_the_phone_is_not_talked_over(bots: Harness, receive: Receive, get: Get) -> None:
    def ana(word: str) -> dict[str, Any]:
        return message_body(text(word, timestamp=now(bots)))

    with subscriber(answering(200, REPLY)) as bot, subscriber() as crm:
        bots.endpoint(bot.url, "bot", replies=True, types=["message.received"])
        bots.endpoint(crm.url, "crm", types=["message.received"])
        receive(ana("to the bot"))
        bots.rounds()
        receive(echo_body(echo("wamid.AGENT", "a person here") | {"timestamp": str(now(bots))}), ana("to a person"))
        receive(message_body(text("of somebody else", sender=BO, timestamp=now(bots))))
        bots.rounds()
        bots.pass_by(hours=11, minutes=59)
        receive(ana("still to a person"))
        bots.rounds()
        bots.pass_by(minutes=2)
        receive(ana("to the bot again"))
        bots.rounds()

    assert sorted(said(bot)) == ["of somebody else", "to the bot", "to the bot again"]
    assert sorted(said(crm)) == ["of somebody else", "still to a person", "to a person", "to the bot",
                                 "to the bot again"]  # fmt: skip
    states = [row.state for row in bots.deliveries() if row.endpoint_id == "bot"]
    assert sorted(states) == ["delivered", "delivered", "delivered", "withheld", "withheld"]
    assert len([row for row in sent(bots.gateway) if row.message == "I am a bot"]) == 3
    told = [event["data"] for event in get("/api/events", type="message.received")["data"]]
    marks = {data["message"]: data["handled_by"] for data in told}
    assert (marks["to the bot"], marks["to a person"], marks["of somebody else"]) == ("bot", "human", "bot")
    balance = audit_balance(bots.gateway.database)
    assert balance.is_clean
    assert sum(page["withheld"] for (_, id), page in balance.deliveries.items() if id == "bot") == 2


@on_sqlite
def test_what_waits_for_another_try_is_withheld_once_a_person_takes_over(bots: Harness, receive: Receive) -> None:
    with subscriber(answering(503)) as bot:
        bots.endpoint(bot.url, replies=True, types=["message.received"])
        receive(message_body(text(timestamp=now(bots))))
        bots.rounds()
        (owed,) = bots.deliveries()
        assert owed.state == "pending" and owed.contact_id is not None
        hand_over(bots, HandledBy.HUMAN, owed.contact_id)
        bots.pass_by(minutes=1)
        bots.rounds()

    assert len(bot.posted) == 1
    (row,) = bots.deliveries()
    assert (row.state, row.reason) == ("withheld", "a person answers the contact, so no bot is woken")


@on_sqlite
def test_an_answer_that_comes_after_a_person_took_over_is_not_sent(bots: Harness, receive: Receive) -> None:
    asked, go = threading.Event(), threading.Event()

    def slowly(handler: Handler, _: Posted) -> None:
        asked.set()
        go.wait(10)
        handler.answer(200, REPLY)

    with subscriber(slowly) as bot:
        bots.endpoint(bot.url, replies=True, types=["message.received"])
        receive(message_body(text(timestamp=now(bots))))
        bots.rounds(asked.is_set)
        contact_id = bots.deliveries()[0].contact_id
        assert contact_id is not None
        hand_over(bots, HandledBy.HUMAN, contact_id)
        go.set()
        bots.rounds()

    assert bots.states() == ["delivered"]
    assert sent(bots.gateway) == []


@on_sqlite
def test_a_withheld_delivery_can_be_asked_for_and_is_a_replay(bots: Harness, receive: Receive) -> None:
    with subscriber(answering(200, REPLY)) as bot:
        bots.endpoint(bot.url, replies=True, types=["message.received"])
        receive(message_body(text(timestamp=now(bots))))
        contact_id = bots.deliveries()[0].contact_id
        assert contact_id is not None
        hand_over(bots, HandledBy.HUMAN, contact_id)
        bots.rounds()
        assert (bots.states(), bot.posted) == (["withheld"], [])
        retry_delivery(bots.gateway.database, bots.deliveries()[0].id, bots.clock())
        bots.rounds()

    assert bots.states() == ["delivered"]
    assert bot.posted[0].headers["x-gateway-replay"] == "true"
    assert sent(bots.gateway) == []


@on_sqlite
def test_reports_and_other_numbers_reach_a_bot_all_the_same(bots: Harness, receive: Receive) -> None:
    with subscriber() as bot:
        bots.endpoint(bot.url, replies=True, types=["message.*"])
        receive(message_body(text("first", timestamp=now(bots))))
        bots.rounds()
        contact_id = bots.deliveries()[0].contact_id
        assert contact_id is not None
        hand_over(bots, HandledBy.HUMAN, contact_id, PNID)
        receive(status_body(status("wamid.X", to=ANA)), message_body(text("elsewhere"), number=OTHER_PNID))
        bots.rounds()

    assert [json.loads(posted.body)["type"] for posted in bot.posted].count("message.status") == 1
    assert set(bots.states()) == {"delivered"}

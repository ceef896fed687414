"""What an app answers is sent to the customer, in order and once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from app.models import Message
from app.services.delivering.posting import PostEvent
from app.services.delivering.replying import SendReplies
from app.services.gateway import Gateway
from tests.factories import ANA, PNID, message_body, status, status_body, text
from tests.jobs.conftest import Desk
from tests.subscriber import Reply, answering, subscriber

Receive = Callable[..., None]


@pytest.fixture
def replying(desk: Desk) -> Desk:
    desk.post = PostEvent(desk.post._client, desk.clock, SendReplies(desk.gateway.send))
    desk.lane = desk.new_lane(8)
    return desk


def sent(gateway: Gateway) -> list[Message]:
    with gateway.database.read() as session:
        query = select(Message).where(Message.direction == "outbound").order_by(Message.id)
        return list(session.scalars(query))


def saying(body: Any) -> Reply:
    return answering(200, json.dumps(body).encode())


def now(desk: Desk) -> int:
    return int(desk.clock().timestamp())


def test_a_reply_goes_to_who_wrote_from_the_number_they_wrote_to(replying: Desk, receive: Receive) -> None:
    with subscriber(saying({"reply": "¡Hola, Ana!"})) as app:
        replying.endpoint(app.url, replies=True)
        receive(message_body(text(timestamp=now(replying))))
        replying.rounds()

    (message,) = sent(replying.gateway)
    assert (message.message, message.recipient, message.phone_number_id) == ("¡Hola, Ana!", f"+{ANA}", PNID)
    assert message.status == "queued"


def test_ten_messages_at_most_go_in_order_and_one_that_cannot_be_sent_is_left_out(
    replying: Desk, receive: Receive
) -> None:
    said: list[Any] = [{"message": f"{number}", "to": "+34600999888"} for number in range(12)]
    said[3] = {"type": "nonsense"}
    said[4] = "nonsense"
    with subscriber(saying({"messages": said})) as app:
        replying.endpoint(app.url, replies=True)
        receive(message_body(text(timestamp=now(replying))))
        replying.rounds()

    assert [row.message for row in sent(replying.gateway)] == ["0", "1", "2", "5", "6", "7", "8", "9"]
    assert {row.recipient for row in sent(replying.gateway)} == {f"+{ANA}"}


def test_an_event_that_is_delivered_again_is_answered_once_whatever_the_app_says_then(
    replying: Desk, receive: Receive
) -> None:
    with subscriber(saying({"reply": "first"})) as app:
        replying.endpoint(app.url, replies=True)
        receive(message_body(text(timestamp=now(replying))))
        replying.lane.in_flight.take_done = lambda: []  # type: ignore[method-assign]  # killed before it was written
        replying.rounds(lambda: bool(replying.lane.in_flight._done))
        lost, replying.lane = replying.lane, replying.new_lane(8)
        app.reply = saying({"reply": "second"})
        replying.pass_by(minutes=1)
        replying.rounds()
        lost._pool.shutdown()

    assert len(app.posted) == 2
    assert [row.message for row in sent(replying.gateway)] == ["first"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"reply":7}', b'{"reply":" "}', b'{"messages":{}}', b"\xff", b"[" * 60_000]
)
def test_an_answer_that_says_nothing_sends_nothing(replying: Desk, receive: Receive, body: bytes) -> None:
    with subscriber(answering(200, body)) as app:
        replying.endpoint(app.url, replies=True)
        receive(message_body(text(timestamp=now(replying))))
        replying.rounds()

    assert sent(replying.gateway) == []
    assert replying.states() == ["delivered"]


def test_only_what_a_customer_writes_now_is_answered_and_only_where_asked(replying: Desk, receive: Receive) -> None:
    with subscriber(saying({"reply": "no"})) as app:
        replying.endpoint(app.url, "silent", replies=False)
        receive(message_body(text()))
        replying.endpoint(app.url, "asked", replies=True)
        receive(status_body(status("wamid.X", "sent")))
        replying.rounds()

    assert len(app.posted) == 3
    assert sent(replying.gateway) == []

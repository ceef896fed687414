"""What an app answers is sent to the customer, in order and once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from app.container import Gateway
from app.models import Message
from app.services.delivering.http_delivery import HttpDelivery
from app.services.delivering.replies import SendReplies
from tests.conftest import on_sqlite, one_case_on_postgresql
from tests.factories import ANA, PNID, message_body, status, status_body, text, wamid
from tests.jobs.conftest import Harness
from tests.subscriber import Reply, answering, subscriber

pytestmark = one_case_on_postgresql

Get = Callable[..., Any]
Receive = Callable[..., None]


@pytest.fixture
def replying(harness: Harness) -> Harness:
    harness.post = HttpDelivery(harness.post._client, harness.clock, SendReplies(harness.gateway.send))
    harness.deliver = harness.new_worker(8)
    return harness


def sent(gateway: Gateway) -> list[Message]:
    with gateway.database.read() as session:
        query = select(Message).where(Message.direction == "outbound").order_by(Message.id)
        return list(session.scalars(query))


def saying(body: Any) -> Reply:
    return answering(200, json.dumps(body).encode())


def now(harness: Harness) -> int:
    return int(harness.clock().timestamp())


def test_a_reply_goes_to_who_wrote_from_the_number_they_wrote_to(replying: Harness, receive: Receive) -> None:
    with subscriber(saying({"reply": "¡Hola, Ana!"})) as app:
        replying.endpoint(app.url, replies=True)
        receive(message_body(text(timestamp=now(replying))))
        replying.rounds()

    (message,) = sent(replying.gateway)
    assert (message.message, message.recipient, message.phone_number_id) == ("¡Hola, Ana!", f"+{ANA}", PNID)
    assert message.status == "queued"


def test_ten_messages_at_most_go_in_order_and_one_that_cannot_be_sent_is_left_out(
    replying: Harness, receive: Receive
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
    replying: Harness, receive: Receive
) -> None:
    with subscriber(saying({"reply": "first"})) as app:
        replying.endpoint(app.url, replies=True)
        receive(message_body(text(timestamp=now(replying))))
        replying.deliver.in_flight.take_finished = lambda: []  # type: ignore[method-assign]  # killed before
        replying.rounds(lambda: bool(replying.deliver.in_flight._finished))
        lost, replying.deliver = replying.deliver, replying.new_worker(8)
        app.reply = saying({"reply": "second"})
        replying.pass_by(minutes=1)
        replying.rounds()
        lost._pool.shutdown()

    assert len(app.posted) == 2
    assert [row.message for row in sent(replying.gateway)] == ["first"]


def told(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """What the log says of answers that cannot be sent."""
    wanted = "an app's answer cannot be sent to the customer"
    return [record for record in caplog.records if record.getMessage() == wanted]


@pytest.mark.parametrize("body", [b"", b" \n", b"null", b"{}", b'{"ok":true}', b'{"reply":" "}', b'{"messages":[]}'])
@on_sqlite
def test_an_app_may_have_nothing_to_say(
    replying: Harness, receive: Receive, get: Get, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    with subscriber(answering(200, body)) as app:
        replying.endpoint(app.url, replies=True)
        receive(message_body(text(timestamp=now(replying))))
        replying.rounds()

    assert (sent(replying.gateway), replying.states(), told(caplog)) == ([], ["delivered"], [])
    assert get(f"/api/deliveries/{replying.deliveries()[0].id}")["tries"][0]["note"] is None


TOO_MANY = json.dumps({"messages": ["x"] * 12}).encode()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"Hola, Ana", "the answer is no JSON"),
        (b"<!doctype html><p>It works!", "the answer is no JSON"),
        (b"{", "the answer is no JSON"),
        (b"\xff", "the answer is no JSON"),
        (b"[" * 60_000, "the answer is no JSON"),
        (b'{"reply":"' + b"a" * 70_000 + b'"}', "the answer is longer than 64 KiB"),
        (b"[]", "the answer is no JSON object"),
        (b'"Hola"', "the answer is no JSON object"),
        (b'{"reply":5}', "`reply` is not a text"),
        (b'{"reply":{"text":"Hola"}}', "`reply` is not a text"),
        (b'{"messages":{}}', "`messages` is not a list"),
        (TOO_MANY, "of 12 messages the first 10 are sent; message 1 cannot be sent (malformed); message 2"),
        (b'{"messages":[{"type":"nonsense"}]}', "message 1 cannot be sent (invalid_request)"),
        (json.dumps({"reply": "a" * 5000}).encode(), "message 1 cannot be sent (invalid_request)"),
    ],
)
def test_an_answer_that_cannot_be_sent_is_told_in_one_look(
    replying: Harness, receive: Receive, get: Get, caplog: pytest.LogCaptureFixture, body: bytes, reason: str
) -> None:
    name = wamid()
    with subscriber(answering(200, body)) as app:
        replying.endpoint(app.url, replies=True)
        receive(message_body(text(id=name, timestamp=now(replying))))
        replying.rounds()

    assert sent(replying.gateway) == []
    assert replying.states() == ["delivered"]
    delivery = replying.deliveries()[0]
    (one_try,) = get(f"/api/deliveries/{delivery.id}")["tries"]
    assert one_try["note"].startswith(reason.partition(";")[0])
    assert (one_try["status"], one_try["error"]) == (200, None)
    (happening,) = [each for each in get(f"/api/messages/{name}/timeline")["data"] if each["note"]]
    assert (happening["what"], happening["status"]) == ("delivery_attempt", "delivered")
    assert happening["note"] == one_try["note"]
    (line,) = told(caplog)
    assert line.levelname == "WARNING"
    assert line.reason.startswith(reason)
    assert (line.endpoint_id, line.event_id) == ("app", delivery.event_id)


@on_sqlite
def test_of_an_answer_what_can_be_sent_is_and_the_rest_is_told_without_its_words(
    replying: Harness, receive: Receive, get: Get, caplog: pytest.LogCaptureFixture
) -> None:
    said = {"reply": "not this", "messages": [{"message": "Hola"}, {"type": "text", "a-secret": "x"}]}
    with subscriber(saying(said)) as app:
        replying.endpoint(app.url, replies=True)
        receive(message_body(text(timestamp=now(replying))))
        replying.rounds()

    assert [row.message for row in sent(replying.gateway)] == ["Hola"]
    (line,) = told(caplog)
    assert line.reason == "`reply` is not sent beside `messages`; message 2 cannot be sent (invalid_request)"
    note = get(f"/api/deliveries/{replying.deliveries()[0].id}")["tries"][0]["note"]
    assert "a-secret" in note

    replying.gateway.erase_contact(replying.deliveries()[0].contact_id or "")

    assert get(f"/api/deliveries/{replying.deliveries()[0].id}")["tries"][0]["note"] is None


def test_only_what_a_customer_writes_now_is_answered_and_only_where_asked(replying: Harness, receive: Receive) -> None:
    with subscriber(saying({"reply": "no"})) as app:
        replying.endpoint(app.url, "silent", replies=False)
        receive(message_body(text()))
        replying.endpoint(app.url, "asked", replies=True)
        receive(status_body(status("wamid.X", "sent")))
        replying.rounds()

    assert len(app.posted) == 3
    assert sent(replying.gateway) == []

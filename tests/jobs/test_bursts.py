"""`debounce_seconds`: what a contact writes without a pause is one event."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import update
from standardwebhooks.webhooks import Webhook

from app.domain.handover import HandledBy
from app.models import Delivery
from app.services.delivering.batching import MAX_BURST
from app.services.delivering.http_delivery import HttpDelivery
from app.services.delivering.replies import SendReplies
from app.services.operations.audit import audit_balance
from app.web.openapi.document import event_schema
from tests.conftest import on_sqlite
from tests.factories import ANA, BO, OTHER_PNID, message_body, status, status_body, text
from tests.jobs.conftest import SECRET, Harness
from tests.jobs.test_replies import sent
from tests.subscriber import App, answering, subscriber

Receive = Callable[..., None]


def bodies(app: App) -> list[dict[str, Any]]:
    return [json.loads(posted.body) for posted in app.posted]


def said(app: App) -> list[list[str]]:
    return [[each["message"] for each in body["data"]["messages"]] for body in bodies(app)]


def test_what_comes_without_a_pause_comes_together_and_signed(harness: Harness, receive: Receive) -> None:
    with subscriber() as app:
        harness.endpoint(app.url, debounce_seconds=5)
        receive(message_body(text("Hola")), status_body(status("wamid.X")), message_body(text("una pregunta")))
        harness.rounds()
        assert [json.loads(posted.body)["type"] for posted in app.posted] == ["message.status"]  # it waits for nobody
        receive(message_body(text("¿abren hoy?")))
        harness.pass_by(seconds=6)
        harness.rounds()

    report, burst = bodies(app)
    assert [each["message"] for each in burst["data"]["messages"]] == ["Hola", "una pregunta", "¿abren hoy?"]
    assert report["type"] == "message.status"
    assert Webhook(SECRET).verify(app.posted[1].body.decode(), app.posted[1].headers) == burst
    assert burst["id"] == app.posted[1].id == harness.deliveries()[0].event_id
    assert list(Draft202012Validator(event_schema()).iter_errors(burst)) == []
    assert set(harness.states()) == {"delivered"}
    assert len(harness.attempts()) == 4
    assert audit_balance(harness.gateway.database).is_clean


@on_sqlite
def test_people_numbers_and_groups_are_not_mixed(harness: Harness, receive: Receive) -> None:
    with subscriber() as app:
        harness.endpoint(app.url, debounce_seconds=5)
        for word in ("1", "2"):
            receive(
                message_body(text(f"ana {word}")), message_body(text(f"bo {word}", sender=BO)),
                message_body(text(f"elsewhere {word}"), number=OTHER_PNID),
                message_body(text(f"in a group {word}") | {"group_id": "G1"}),
            )  # fmt: skip
        harness.pass_by(seconds=6)
        harness.rounds()

    assert sorted(said(app)) == [[f"{who} 1", f"{who} 2"] for who in ("ana", "bo", "elsewhere", "in a group")]


@pytest.mark.parametrize("ordered", [True, False])
@on_sqlite
def test_a_burst_is_the_same_on_every_try_and_what_comes_later_is_another(
    harness: Harness, receive: Receive, ordered: bool
) -> None:
    with subscriber(answering(503)) as app:
        harness.endpoint(app.url, debounce_seconds=5, ordered=ordered)
        receive(message_body(text("1")), message_body(text("2")))
        harness.pass_by(seconds=6)
        harness.rounds()
        harness.deliver = harness.new_worker(8)  # the worker starts anew
        receive(message_body(text("3")))
        app.reply = answering(200)
        harness.pass_by(minutes=2)
        harness.rounds()

    assert said(app)[:2] == [["1", "2"], ["1", "2"]] or not ordered
    assert sorted(said(app)) == [["1", "2"], ["1", "2"], ["3"]]
    assert len({posted.id for posted in app.posted if b'"message":"1"' in posted.body}) == 1
    assert len({posted.body for posted in app.posted}) == 2


@on_sqlite
def test_a_burst_of_a_worker_that_was_killed_is_tried_as_it_was(harness: Harness, receive: Receive) -> None:
    with subscriber() as app:
        harness.endpoint(app.url, debounce_seconds=5)
        receive(message_body(text("1")), message_body(text("2")))
        harness.pass_by(seconds=6)
        harness.deliver._add = lambda claimed, at: None  # type: ignore[method-assign]  # killed after the claim
        harness.rounds(lambda: any(row.claim_id for row in harness.deliveries()))
        harness.deliver = harness.new_worker(8)
        receive(message_body(text("3")))
        assert audit_balance(harness.gateway.database).is_clean
        harness.pass_by(seconds=46)
        harness.rounds()

    assert said(app) == [["1", "2"], ["3"]]


@on_sqlite
def test_an_endless_stream_does_not_wait_for_its_end(harness: Harness, receive: Receive) -> None:
    with subscriber() as app:
        harness.endpoint(app.url, debounce_seconds=5)
        receive(*(message_body(text(f"{number}")) for number in range(8)))
        began = min(row.created_at for row in harness.deliveries())
        with harness.gateway.database.write() as session:
            for place, row in enumerate(harness.deliveries()):
                written = update(Delivery).where(Delivery.id == row.id)
                session.execute(written.values(created_at=began + timedelta(seconds=3 * place)))
        harness.clock.now = began + timedelta(seconds=19)
        harness.rounds()
        assert app.posted == []
        harness.clock.now = began + timedelta(seconds=20)
        harness.rounds()

    assert [len(messages) for messages in said(app)] == [8]


@on_sqlite
def test_a_very_long_burst_is_cut(harness: Harness, receive: Receive) -> None:
    with subscriber() as app:
        harness.endpoint(app.url, debounce_seconds=5)
        receive(message_body(*(text(f"{number}") for number in range(MAX_BURST + 2))))
        harness.rounds()
        assert [len(messages) for messages in said(app)] == [MAX_BURST]
        harness.pass_by(seconds=6)
        harness.rounds()

    assert [word for messages in said(app) for word in messages] == [f"{place}" for place in range(MAX_BURST + 2)]


@on_sqlite
def test_a_burst_is_answered_once_and_not_at_all_while_a_person_answers(harness: Harness, receive: Receive) -> None:
    ask = harness.gateway.hand_over.with_a_person
    harness.post = HttpDelivery(harness.post._client, harness.clock, SendReplies(harness.gateway.send, ask), ask)
    harness.deliver = harness.new_worker(8)

    def write(*words: str) -> None:
        receive(*(message_body(text(word, timestamp=int(harness.clock().timestamp()))) for word in words))
        harness.pass_by(seconds=6)
        harness.rounds()

    with subscriber(answering(200, b'{"reply":"One answer"}')) as app:
        harness.endpoint(app.url, replies=True, debounce_seconds=5, types=["message.received"])
        write("1", "2")
        contact_id = harness.deliveries()[0].contact_id
        assert contact_id is not None
        harness.gateway.hand_over(contact_id, HandledBy.HUMAN)
        write("3", "4")

    assert said(app) == [["1", "2"]]
    assert [row.recipient for row in sent(harness.gateway)] == [f"+{ANA}"]
    assert harness.states() == ["delivered", "delivered", "withheld", "withheld"]

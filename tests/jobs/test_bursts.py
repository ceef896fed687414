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
from app.services.delivering.batching import LONGEST_BURST
from app.services.delivering.http_delivery import PostEvent
from app.services.delivering.replies import SendReplies
from app.services.operations.audit import audit_balance
from app.web.openapi.document import event_schema
from tests.conftest import on_sqlite
from tests.factories import ANA, BO, OTHER_PNID, message_body, status, status_body, text
from tests.jobs.conftest import SECRET, Desk
from tests.jobs.test_replies import sent
from tests.subscriber import App, answering, subscriber

Receive = Callable[..., None]


def bodies(app: App) -> list[dict[str, Any]]:
    return [json.loads(posted.body) for posted in app.posted]


def said(app: App) -> list[list[str]]:
    return [[each["message"] for each in body["data"]["messages"]] for body in bodies(app)]


def test_what_comes_without_a_pause_comes_together_and_signed(desk: Desk, receive: Receive) -> None:
    with subscriber() as app:
        desk.endpoint(app.url, debounce_seconds=5)
        receive(message_body(text("Hola")), status_body(status("wamid.X")), message_body(text("una pregunta")))
        desk.rounds()
        assert [json.loads(posted.body)["type"] for posted in app.posted] == ["message.status"]  # it waits for nobody
        receive(message_body(text("¿abren hoy?")))
        desk.pass_by(seconds=6)
        desk.rounds()

    report, burst = bodies(app)
    assert [each["message"] for each in burst["data"]["messages"]] == ["Hola", "una pregunta", "¿abren hoy?"]
    assert report["type"] == "message.status"
    assert Webhook(SECRET).verify(app.posted[1].body.decode(), app.posted[1].headers) == burst
    assert burst["id"] == app.posted[1].id == desk.deliveries()[0].event_id
    assert list(Draft202012Validator(event_schema()).iter_errors(burst)) == []
    assert set(desk.states()) == {"delivered"}
    assert len(desk.attempts()) == 4
    assert audit_balance(desk.gateway.database).is_clean


@on_sqlite
def test_people_numbers_and_groups_are_not_mixed(desk: Desk, receive: Receive) -> None:
    with subscriber() as app:
        desk.endpoint(app.url, debounce_seconds=5)
        for word in ("1", "2"):
            receive(
                message_body(text(f"ana {word}")), message_body(text(f"bo {word}", sender=BO)),
                message_body(text(f"elsewhere {word}"), number=OTHER_PNID),
                message_body(text(f"in a group {word}") | {"group_id": "G1"}),
            )  # fmt: skip
        desk.pass_by(seconds=6)
        desk.rounds()

    assert sorted(said(app)) == [[f"{who} 1", f"{who} 2"] for who in ("ana", "bo", "elsewhere", "in a group")]


@pytest.mark.parametrize("ordered", [True, False])
@on_sqlite
def test_a_burst_is_the_same_on_every_try_and_what_comes_later_is_another(
    desk: Desk, receive: Receive, ordered: bool
) -> None:
    with subscriber(answering(503)) as app:
        desk.endpoint(app.url, debounce_seconds=5, ordered=ordered)
        receive(message_body(text("1")), message_body(text("2")))
        desk.pass_by(seconds=6)
        desk.rounds()
        desk.lane = desk.new_lane(8)  # the worker starts anew
        receive(message_body(text("3")))
        app.reply = answering(200)
        desk.pass_by(minutes=2)
        desk.rounds()

    assert said(app)[:2] == [["1", "2"], ["1", "2"]] or not ordered
    assert sorted(said(app)) == [["1", "2"], ["1", "2"], ["3"]]
    assert len({posted.id for posted in app.posted if b'"message":"1"' in posted.body}) == 1
    assert len({posted.body for posted in app.posted}) == 2


@on_sqlite
def test_a_burst_of_a_worker_that_was_killed_is_tried_as_it_was(desk: Desk, receive: Receive) -> None:
    with subscriber() as app:
        desk.endpoint(app.url, debounce_seconds=5)
        receive(message_body(text("1")), message_body(text("2")))
        desk.pass_by(seconds=6)
        desk.lane._hand_out = lambda claimed, at: None  # type: ignore[method-assign]  # killed after the claim
        desk.rounds(lambda: any(row.claim_id for row in desk.deliveries()))
        desk.lane = desk.new_lane(8)
        receive(message_body(text("3")))
        assert audit_balance(desk.gateway.database).is_clean
        desk.pass_by(seconds=46)
        desk.rounds()

    assert said(app) == [["1", "2"], ["3"]]


@on_sqlite
def test_an_endless_stream_does_not_wait_for_its_end(desk: Desk, receive: Receive) -> None:
    with subscriber() as app:
        desk.endpoint(app.url, debounce_seconds=5)
        receive(*(message_body(text(f"{number}")) for number in range(8)))
        began = min(row.created_at for row in desk.deliveries())
        with desk.gateway.database.write() as session:
            for place, row in enumerate(desk.deliveries()):
                written = update(Delivery).where(Delivery.id == row.id)
                session.execute(written.values(created_at=began + timedelta(seconds=3 * place)))
        desk.clock.now = began + timedelta(seconds=19)
        desk.rounds()
        assert app.posted == []
        desk.clock.now = began + timedelta(seconds=20)
        desk.rounds()

    assert [len(messages) for messages in said(app)] == [8]


@on_sqlite
def test_a_very_long_burst_is_cut(desk: Desk, receive: Receive) -> None:
    with subscriber() as app:
        desk.endpoint(app.url, debounce_seconds=5)
        receive(message_body(*(text(f"{number}") for number in range(LONGEST_BURST + 2))))
        desk.rounds()
        assert [len(messages) for messages in said(app)] == [LONGEST_BURST]
        desk.pass_by(seconds=6)
        desk.rounds()

    assert [word for messages in said(app) for word in messages] == [f"{place}" for place in range(LONGEST_BURST + 2)]


@on_sqlite
def test_a_burst_is_answered_once_and_not_at_all_while_a_person_answers(desk: Desk, receive: Receive) -> None:
    ask = desk.gateway.hand_over.with_a_person
    desk.post = PostEvent(desk.post._client, desk.clock, SendReplies(desk.gateway.send, ask), ask)
    desk.lane = desk.new_lane(8)

    def write(*words: str) -> None:
        receive(*(message_body(text(word, timestamp=int(desk.clock().timestamp()))) for word in words))
        desk.pass_by(seconds=6)
        desk.rounds()

    with subscriber(answering(200, b'{"reply":"One answer"}')) as app:
        desk.endpoint(app.url, replies=True, debounce_seconds=5, types=["message.received"])
        write("1", "2")
        contact_id = desk.deliveries()[0].contact_id
        assert contact_id is not None
        desk.gateway.hand_over(contact_id, HandledBy.HUMAN)
        write("3", "4")

    assert said(app) == [["1", "2"]]
    assert [row.recipient for row in sent(desk.gateway)] == [f"+{ANA}"]
    assert desk.states() == ["delivered", "delivered", "withheld", "withheld"]

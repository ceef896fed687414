"""`batch`: several events in one POST."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from app.errors import Invalid
from app.services.delivering.record_results import FAILED_TRIES
from app.services.operations.audit import audit_balance
from tests.conftest import on_sqlite
from tests.factories import message_body, text
from tests.jobs.conftest import SECRET, Harness
from tests.subscriber import App, Handler, Posted, answering, subscriber

Receive = Callable[..., None]


def events(posted: Posted) -> list[dict[str, Any]]:
    return json.loads(posted.body)["events"]  # type: ignore[no-any-return]


def said(app: App) -> list[list[str]]:
    return [[event["data"]["message"] for event in events(posted)] for posted in app.posted]


def test_many_events_come_in_few_requests_each_as_it_would_alone(
    harness: Harness, receive: Receive, get: Callable[..., Any]
) -> None:
    with subscriber() as app:
        harness.endpoint(app.url, batch=10, ordered=False)
        receive(message_body(*(text(f"{number}") for number in range(25))))
        harness.rounds()

    assert sorted(len(messages) for messages in said(app)) == [5, 10, 10]
    for posted in app.posted:
        assert Webhook(SECRET).verify(posted.body.decode(), posted.headers)
        assert posted.id.startswith("batch-")
    told = {event["id"]: event for posted in app.posted for event in events(posted)}
    assert told == {event["id"]: event for event in get("/api/events")["data"]}
    assert harness.states() == ["delivered"] * 25
    assert audit_balance(harness.gateway.database).is_clean


def test_a_contacts_events_stay_in_order_although_batches_go_side_by_side_and_fail(
    harness: Harness, receive: Receive
) -> None:
    chance = random.Random(7)
    lock = threading.Lock()

    def reply(handler: Handler, posted: Posted) -> None:
        time.sleep(chance.random() * 0.01)
        with lock:
            is_first = posted.id not in seen
            seen.add(posted.id)
        handler.answer(500 if is_first and chance.random() < 0.3 else 200)

    seen: set[str] = set()
    with subscriber(reply) as app:
        harness.endpoint(app.url, batch=4)
        for number in range(12):
            receive(message_body(*(text(f"{who} {number:02}", sender=f"5491100000{who}") for who in range(10, 16))))
        for _ in range(20):
            harness.rounds()
            harness.pass_by(minutes=2)

    assert set(harness.states()) == {"delivered"}
    newest: dict[str, str] = {}
    first: set[str] = set()
    for word in (word for messages in said(app) for word in messages):
        who = word.split()[0]
        if word not in first:
            assert word > newest.get(who, ""), "an event overtook another of its contact"
            newest[who] = word
        first.add(word)
    assert len(first) == 72 and len(app.posted) < 60


@on_sqlite
def test_a_batch_fails_and_is_tried_as_one_and_after_some_tries_its_events_go_alone(
    harness: Harness, receive: Receive
) -> None:
    def reply(handler: Handler, posted: Posted) -> None:
        handler.answer(500 if b"poison" in posted.body else 200)

    with subscriber(reply) as app:
        harness.endpoint(app.url, batch=10)
        receive(message_body(text("1"), text("poison"), text("3")))
        for _ in range(FAILED_TRIES + 1):
            harness.rounds()
            harness.clock.now = max(row.due_at or harness.clock() for row in harness.deliveries())
            harness.directory.forget()

    together = app.posted[:FAILED_TRIES]
    assert said(app)[:FAILED_TRIES] == [["1", "poison", "3"]] * FAILED_TRIES
    assert len({posted.id for posted in together}) == 1 and len({posted.body for posted in together}) == 1
    assert sorted(said(app)[FAILED_TRIES:])[:3] == [["1"], ["3"], ["poison"]]
    assert harness.states() == ["delivered", "pending", "delivered"]


@on_sqlite
def test_a_backlog_of_one_contact_comes_batch_after_batch(harness: Harness, receive: Receive) -> None:
    words = [f"{number:03}" for number in range(150)]
    with subscriber() as app:
        harness.endpoint(app.url, batch=100)
        receive(message_body(*(text(word) for word in words)))
        harness.rounds()

    assert [len(messages) for messages in said(app)] == [100, 50]
    assert [word for messages in said(app) for word in messages] == words


@on_sqlite
def test_what_grows_too_old_is_left_out(harness: Harness, receive: Receive) -> None:
    now = int(harness.clock().timestamp())
    with subscriber(answering(503)) as app:
        harness.endpoint(app.url, batch=10, max_age_seconds=600)
        old, new, newer = text("old", timestamp=now - 590), text("new", timestamp=now), text("newer", timestamp=now)
        receive(message_body(old, new, newer))
        harness.rounds()
        app.reply = answering(200)
        harness.pass_by(seconds=20)
        harness.rounds()

    assert said(app) == [["old", "new", "newer"], ["new", "newer"]]
    assert app.posted[0].id != app.posted[1].id
    assert harness.states() == ["stale", "delivered", "delivered"]


def test_two_workers_never_have_the_same_event(harness: Harness, receive: Receive) -> None:
    other = harness.new_worker(8)
    with subscriber() as app:
        harness.endpoint(app.url, batch=5)
        receive(*(message_body(*(text(sender=f"54911{number:08}") for number in range(30))) for _ in range(3)))
        thread = threading.Thread(target=lambda: [other() for _ in range(30)])
        thread.start()
        harness.rounds()
        thread.join()
        other.close()
        harness.rounds()

    ids = [event["id"] for posted in app.posted for event in events(posted)]
    assert len(ids) == len(set(ids)) == 90


@on_sqlite
@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"batch": 5, "replies": True}, "batch"),
        ({"batch": 5, "debounce_seconds": 5}, "batch"),
        ({"batch": 5, "format": "meta"}, "batch"),
        ({"debounce_seconds": 5, "format": "meta"}, "debounce_seconds"),
    ],
)
def test_what_cannot_be_had_together_is_refused(harness: Harness, values: dict[str, Any], wrong: str) -> None:
    manage = harness.gateway.manage_endpoints
    with pytest.raises(Invalid) as refusal:
        manage.add({"url": "https://bot.example/"} | values)
    assert set(refusal.value.fields or {}) == {wrong}

    first, second = ({name: value} for name, value in values.items())
    row, _ = manage.add({"url": "https://bot.example/"} | (second if "format" in second else first))
    with pytest.raises(Invalid):
        manage.change(row.id, first if "format" in second else second)

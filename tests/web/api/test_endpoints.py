from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from standardwebhooks.webhooks import Webhook

from app.clock import utc_now
from app.config.settings import Config
from app.container import Gateway
from app.jobs.deliver import DeliverDue
from app.security.endpoint_urls import NOT_ALLOWED
from tests.conftest import API_KEY, on_sqlite, with_settings
from tests.factories import message_body, text
from tests.subscriber import ALLOWED, answering, subscriber

Call = Callable[..., Any]


@pytest.fixture
def config(config: Config) -> Config:
    return with_settings(config, forward_allow_nets=(ipaddress.ip_network(ALLOWED),))


@pytest.fixture
def call(client: FlaskClient) -> Call:
    def call_(method: str, path: str, body: Any = None, status: int = 200) -> Any:
        more = {} if body is None else {"json": body}
        response = client.open(path, method=method, headers={"Authorization": f"Bearer {API_KEY}"}, **more)
        assert response.status_code == status, response.get_data(as_text=True)
        return response.get_json()

    return call_


@pytest.fixture
def deliver(gateway: Gateway) -> Callable[[], None]:
    def deliver_() -> None:
        lane = DeliverDue(gateway.database, gateway.endpoints, gateway.post_event, utc_now, threads=4)
        for _ in range(12):
            lane()
        lane.close()

    return deliver_


@pytest.mark.parametrize(
    ("field", "name", "words"),
    [
        ("types", "message.recieved", "did you mean `message.received`?"),
        ("types", "mesage.*", "did you mean `message.*`?"),
        ("types", "account.template", "`unknown:NAME` stands for what Meta may add"),
        ("statuses", "deliverd", "did you mean `delivered`?"),
        ("message_types", "photo", "is not known"),
    ],
)
def test_a_name_that_nothing_known_has_is_refused_with_the_nearest(
    call: Call, app: Flask, field: str, name: str, words: str
) -> None:
    refused = call("POST", "/api/endpoints", {"url": "https://a.example/", field: ["unknown:hologram", name]}, 422)
    assert words in refused["error"]["fields"][f"{field}.1"][0]

    if field == "types":
        told = app.test_cli_runner().invoke(args=["endpoints", "add", "https://a.example/", "--type", name])
        assert told.exit_code == 1
        assert words in told.output


def test_what_may_come_can_be_named_and_is_matched_by_its_own_name(call: Call, receive: Call, deliver: Call) -> None:
    with subscriber() as app:
        call("POST", "/api/endpoints", {"url": app.url, "types": ["message.*"],
                                        "message_types": ["unknown:hologram"]}, 201)  # fmt: skip
        receive(message_body(text(), {**text(), "type": "hologram", "id": "wamid.H"}))
        deliver()

        assert [json.loads(post.body)["data"]["message_type"] for post in app.posted] == ["hologram"]


def test_an_endpoint_from_its_making_to_its_end(call: Call, receive: Call, deliver: Call) -> None:
    with subscriber() as app:
        made = call("POST", "/api/endpoints", {"url": app.url, "types": ["message.*"], "description": "bot"}, 201)
        secret, path = made.pop("secret"), f"/api/endpoints/{made['id']}"
        receive(message_body(text()))
        deliver()
        Webhook(secret).verify(app.posted[0].body.decode(), app.posted[0].headers)
        assert call("GET", "/api/endpoints")["data"] == [made]
        assert call("GET", path) == made
        assert secret not in json.dumps(made)
        assert call("PATCH", path, {"paused": True})["state"] == "paused"
        assert call("PATCH", path, {"paused": False, "max_in_flight": None})["state"] == "active"
        newer = call("POST", f"{path}/rotate-secret")["secret"]
        receive(message_body(text()))
        deliver()
        for each in (secret, newer):
            Webhook(each).verify(app.posted[1].body.decode(), app.posted[1].headers)
        call("DELETE", path)
        receive(message_body(text()))
        deliver()

    assert len(app.posted) == 2
    call("GET", path, status=404)
    assert call("GET", "/api/endpoints")["data"] == []


def test_what_it_was_still_owed_is_dead_when_it_is_removed(call: Call, receive: Call) -> None:
    made = call("POST", "/api/endpoints", {"url": "https://app.example", "paused": True}, 201)
    receive(message_body(text(), text()))

    call("DELETE", f"/api/endpoints/{made['id']}")

    rows = call("GET", "/api/deliveries?state=dead")["data"]
    assert [row["reason"] for row in rows] == ["the endpoint was removed"] * 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "ftp://app.example"}, "url"),
        ({"url": "http://10.0.0.1/"}, "url"),
        ({"url": "http://169.254.169.254/latest"}, "url"),
        ({"url": "https://user:secret@app.example"}, "url"),
        ({"url": "https://app.example", "secret": "short"}, "secret"),
        ({"url": "https://app.example", "types": []}, "types"),
        ({"url": "https://app.example", "types": ["Message"]}, "types.0"),
        ({"url": "https://app.example", "numbers": ["one"]}, "numbers.0"),
        ({"url": "https://app.example", "max_age_seconds": 0}, "max_age_seconds"),
        ({"url": "https://app.example", "format": "xml"}, "format"),
        ({"url": "https://app.example", "ordred": True}, "ordred"),
    ],
)
@on_sqlite
def test_what_cannot_be_is_refused_by_its_field(call: Call, body: Any, field: str) -> None:
    error = call("POST", "/api/endpoints", body, 422)["error"]

    assert list(error["fields"]) == [field]
    assert "secret@" not in json.dumps(error)


def test_the_test_says_what_came_of_it(call: Call) -> None:
    with subscriber(answering(418, b"teapot")) as app:
        made = call("POST", "/api/endpoints", {"url": app.url}, 201)
        answer = call("POST", f"/api/endpoints/{made['id']}/test")

    assert (answer["success"], answer["status"], answer["answer"]) == (False, 418, "teapot")
    assert json.loads(app.posted[0].body)["type"] == "gateway.test"
    refused = call("POST", f"/api/endpoints/{made['id']}/test")
    assert (refused["success"], refused["status"], refused["error"]) == (False, None, "nobody listens there")


def test_deliveries_are_listed_shown_and_retried_and_stand_on_the_timeline(
    call: Call, receive: Call, deliver: Call
) -> None:
    with subscriber(answering(500, b"oh no")) as app:
        made = call("POST", "/api/endpoints", {"url": app.url}, 201)
        receive(message_body(text(id="wamid.1")))
        deliver()
        (row,) = call("GET", f"/api/deliveries?state=pending&endpoint={made['id']}")["data"]
        shown = call("GET", f"/api/deliveries/{row['id']}")
        assert [(each["status"], each["answer"]) for each in shown["tries"]] == [(500, "oh no")]
        app.reply = answering(200)
        assert call("POST", f"/api/deliveries/{row['id']}/retry", status=202)["state"] == "pending"
        deliver()

    assert call("GET", f"/api/deliveries/{row['id']}")["state"] == "delivered"
    call("POST", f"/api/deliveries/{row['id']}/retry", status=409)
    assert call("GET", "/api/deliveries?state=pending")["data"] == []
    happened = call("GET", "/api/messages/wamid.1/timeline")["data"]
    tries = [(each["status"], each["attempt"]) for each in happened if each["what"] == "delivery_attempt"]
    assert tries == [("failed", 1), ("delivered", 2)]


def test_replays_are_marked(call: Call, receive: Call, deliver: Call) -> None:
    with subscriber() as app:
        made = call("POST", "/api/endpoints", {"url": app.url}, 201)
        path = f"/api/endpoints/{made['id']}/replay"
        receive(message_body(text("one")), message_body(text("two")))
        deliver()
        assert call("POST", path, {"event_id": app.posted[0].id}, 202) == {"count": 1}
        assert call("POST", path, {"since": "2026-01-01T00:00:00Z"}, 202) == {"count": 2}
        times = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}
        assert call("POST", path, times, 202) == {"count": 0}
        assert call("POST", path, {"dead": True}, 202) == {"count": 0}
        call("POST", path, {"event_id": "0" * 36}, 404)
        call("POST", path, {"dead": True, "since": "2026-01-01T00:00:00Z"}, 422)
        deliver()

    assert ["x-gateway-replay" in posted.headers for posted in app.posted] == [False, False, True, True, True]
    assert len(set(app.ids)) == 2


def test_the_books_show_what_is_owed_and_notice_what_is_not(
    app: Flask, call: Call, receive: Call, gateway: Gateway
) -> None:
    call("POST", "/api/endpoints", {"url": "https://app.example", "paused": True}, 201)
    receive(message_body(text()))
    runner = app.test_cli_runner()

    books = runner.invoke(args=["audit", "balance"])
    assert "owed 1: 1 pending" in books.output
    assert books.exit_code == 0


@on_sqlite
def test_the_commands_do_the_same(app: Flask) -> None:
    runner = app.test_cli_runner()
    with subscriber(answering(204, b"")) as there:
        endpoint_id, secret = runner.invoke(args=["endpoints", "add", there.url]).output.split()
        assert secret.startswith("whsec_")
        assert f"{endpoint_id}\tactive\t{there.url}" in runner.invoke(args=["endpoints", "list"]).output
        assert "answered 204" in runner.invoke(args=["endpoints", "test", endpoint_id]).output
    assert runner.invoke(args=["endpoints", "test", endpoint_id]).exit_code == 1
    assert runner.invoke(args=["endpoints", "remove", endpoint_id]).exit_code == 0
    assert runner.invoke(args=["endpoints", "remove", endpoint_id]).exit_code == 1
    assert runner.invoke(args=["endpoints", "add", "http://localhost:1/%00"]).exit_code == 0
    assert runner.invoke(args=["endpoints", "add", "nonsense"]).exit_code == 1
    refused = runner.invoke(args=["endpoints", "add", "http://10.1.2.3/events"])
    assert (refused.exit_code, NOT_ALLOWED in refused.output) == (1, True)

"""`GET /api/messages/<id>/timeline`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses
from flask.testing import FlaskClient

from app.container import Gateway
from tests.conftest import API_KEY, on_sqlite
from tests.factories import OTHER_PNID, PNID, message_body, status, status_body, text, wamid

Get = Callable[..., Any]
Receive = Callable[..., None]

pytestmark = on_sqlite
GRAPH = f"https://graph.example/v26.0/{PNID}/messages"


def test_an_inbound_message_was_received_and_told_of(get: Get, receive: Receive) -> None:
    name = wamid()
    receive(message_body(text(id=name)))

    happened = get(f"/api/messages/{name}/timeline")["data"]

    [notification] = get("/api/notifications")["data"]
    [event] = get("/api/events")["data"]
    happened.sort(key=lambda each: ["received", "event", "processed"].index(each["what"]))
    assert [each["what"] for each in happened] == ["received", "event", "processed"]
    assert (happened[0]["at"], happened[2]["at"]) == (notification["received_at"], notification["processed_at"])
    assert happened[0]["app"] == "default"
    assert happened[0]["notification_id"] == happened[1]["notification_id"] == notification["id"]
    assert happened[1]["event_id"] == event["id"]
    assert happened[1]["type"] == "message.received"
    assert happened[0]["at"] <= happened[1]["at"]


def test_an_outbound_message_was_asked_for_tried_and_reported_on(
    client: FlaskClient, get: Get, receive: Receive, graph: responses.RequestsMock
) -> None:
    name = wamid()
    graph.post(GRAPH, json={"messages": [{"id": name}]})
    sent = _send(client)
    pricing = {"billable": True, "category": "service", "pricing_model": "PMP"}
    receive(status_body(status(name, "sent", timestamp=1_700_000_000, pricing=pricing)))
    receive(status_body(status(name, "delivered", timestamp=1_700_000_005)))

    happened = get(f"/api/messages/{sent['id']}/timeline")["data"]

    told = [each for each in happened if each["what"] != "event"]
    assert [(each["what"], each["status"]) for each in told] == [
        ("asked", None),
        ("attempt_started", None),
        ("attempt_finished", "accepted"),
        ("status", "sent"),
        ("status", "delivered"),
    ]
    assert told[2]["message_id"] == name
    assert told[3]["timestamp"] == "2023-11-14T22:13:20Z"
    assert told[3]["pricing"]["category"] == "service"
    assert told[3]["notification_id"] is not None
    assert [each["type"] for each in happened if each["what"] == "event"] == ["message.status"] * 2
    assert [each["at"] for each in happened] == sorted(each["at"] for each in happened)


def test_an_attempt_that_meta_refused_says_why(
    client: FlaskClient, get: Get, graph: responses.RequestsMock
) -> None:
    error = {"code": 131026, "message": "Message undeliverable", "error_data": {"details": "not on WhatsApp"}}
    graph.post(GRAPH, json={"error": error}, status=400)
    sent = _send(client)

    happened = get(f"/api/messages/{sent['id']}/timeline")["data"]

    assert happened[-1]["what"] == "attempt_finished"
    assert happened[-1]["status"] == "refused"
    assert happened[-1]["error"]["code"] == 131026


def test_a_failure_that_meta_reported_later_says_why(
    client: FlaskClient, get: Get, receive: Receive, graph: responses.RequestsMock
) -> None:
    name = wamid()
    graph.post(GRAPH, json={"messages": [{"id": name}]})
    _send(client)
    receive(status_body(status(name, "failed", errors=[{"code": 131026, "title": "Undeliverable"}])))

    happened = get(f"/api/messages/{name}/timeline")["data"]

    [report] = [each for each in happened if each["what"] == "status"]
    assert report["error"]["code"] == 131026


@pytest.mark.parametrize("name", ["no-such-id", "wamid.HBgN/A=", "a%00b"])
def test_an_unknown_message_has_none(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/api/messages/{name}/timeline", headers={"Authorization": f"Bearer {API_KEY}"})

    assert answer.status_code == 404


def test_a_key_of_another_number_sees_nothing(client: FlaskClient, receive: Receive, gateway: Gateway) -> None:
    name = wamid()
    receive(message_body(text(id=name)))
    key = gateway.api_keys.make("other", ["read"], [OTHER_PNID])

    answer = client.get(f"/api/messages/{name}/timeline", headers={"Authorization": f"Bearer {key}"})

    assert answer.status_code == 404


def _send(client: FlaskClient) -> Any:
    body = {"to": "+34600111222", "message": "Hola"}
    return client.post("/send/whatsapp", json=body, headers={"Authorization": f"Bearer {API_KEY}"}).get_json()


@pytest.fixture
def graph() -> Iterator[responses.RequestsMock]:
    """Meta's Graph API, as far as a test says."""
    with responses.RequestsMock() as mock:
        yield mock

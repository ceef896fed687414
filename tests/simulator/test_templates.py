from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.simulator.conftest import ANA, NUMBER, QUICK, post_message
from tests.simulator.receiver import Receiver

ACCOUNT = "900100200300400"
TEMPLATES = f"/v26.0/{ACCOUNT}/message_templates"
TOKEN = {"Authorization": "Bearer EAAsimulated"}
UPDATE = "message_template_status_update"


@pytest.fixture
def client(make_client: Callable[..., FlaskClient]) -> FlaskClient:
    return make_client(pace=replace(QUICK, reviewed_after=0.02))


def create(client: FlaskClient, **changes: Any) -> Any:
    body = {
        "name": "order_ready",
        "language": "es",
        "category": "UTILITY",
        "components": [{"type": "BODY", "text": "Hi {{1}}, it is ready.", "example": {"body_text": [["Ana"]]}}],
    }
    return client.post(TEMPLATES, json={**body, **changes}, headers=TOKEN)


def test_every_account_has_hello_world(client: FlaskClient) -> None:
    (template,) = client.get(TEMPLATES, headers=TOKEN).json["data"]

    assert (template["name"], template["language"], template["status"]) == ("hello_world", "en_US", "APPROVED")


def test_a_template_is_reviewed_and_can_then_be_sent(client: FlaskClient, receiver: Receiver) -> None:
    created = create(client).json

    (update,) = receiver.wait(lambda: receiver.values(UPDATE), 1)
    component = {"type": "body", "parameters": [{"type": "text", "text": "Ana"}]}
    sent = post_message(
        client,
        type="template",
        template={"name": "order_ready", "language": {"code": "es"}, "components": [component]},
    )

    assert created["status"] == "PENDING"
    assert (update["event"], update["message_template_id"]) == ("APPROVED", int(created["id"]))
    assert sent.json["messages"][0]["message_status"] == "accepted"
    chat = client.get(f"/simulator/api/chats/{NUMBER}/{ANA}").json
    assert chat["messages"][0]["shown"]["body"] == "Hi Ana, it is ready."
    priced = [status["pricing"] for status in receiver.wait(receiver.statuses, 3) if "pricing" in status]
    assert priced == [{"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"}]


def test_a_template_named_so_is_rejected(client: FlaskClient, receiver: Receiver) -> None:
    create(client, name="reject_this")

    (update,) = receiver.wait(lambda: receiver.values(UPDATE), 1)

    assert (update["event"], update["reason"]) == ("REJECTED", "INVALID_FORMAT")


def test_a_review_can_be_decided_by_hand(client: FlaskClient, receiver: Receiver) -> None:
    template_id = create(client).json["id"]
    receiver.wait(lambda: receiver.values(UPDATE), 1)

    answer = client.post(f"/simulator/api/templates/{template_id}/review", json={"event": "PAUSED"})

    assert answer.json["status"] == "PAUSED"
    assert receiver.wait(lambda: receiver.values(UPDATE), 2)[1]["event"] == "PAUSED"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "Order Ready"}, 131009),
        ({"name": "hello_world", "language": "en_US"}, 2388024),
        ({"category": "SPAM"}, 131009),
        ({"components": []}, 131009),
        ({"components": [{"type": "BODY", "text": "x" * 1025}]}, 131009),
        ({"components": [{"type": "BODY", "text": "{{1}} is ready.", "example": {}}]}, 2388299),
        ({"components": [{"type": "BODY", "text": "Hi {{1}}."}]}, 2388043),
        ({"components": [{"type": "BODY", "text": "Hi {{2}}.", "example": {"body_text": [["a"]]}}]}, 131009),
        ({"components": [{"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Go"}]}]}, 131008),
        ({"components": [{"type": "HEADER", "format": "TEXT"}]}, 131008),
        ({"colour": "blue"}, 100),
    ],
)
def test_a_template_that_cannot_be_is_refused(client: FlaskClient, changes: dict[str, Any], code: int) -> None:
    assert create(client, **changes).json["error"]["code"] == code


def test_types_may_be_written_in_lower_case(client: FlaskClient) -> None:
    answer = create(client, components=[{"type": "body", "text": "Hi."}])

    assert answer.status_code == 200
    assert client.get(f"/v26.0/{answer.json['id']}", headers=TOKEN).json["components"][0]["type"] == "BODY"


def test_an_edited_template_is_reviewed_again(client: FlaskClient, receiver: Receiver) -> None:
    template_id = create(client).json["id"]
    receiver.wait(lambda: receiver.values(UPDATE), 1)

    edited = client.post(
        f"/v26.0/{template_id}", json={"components": [{"type": "BODY", "text": "Ready."}]}, headers=TOKEN
    )

    assert edited.json == {"success": True}
    assert len(receiver.wait(lambda: receiver.values(UPDATE), 2)) == 2
    components = client.get(f"/v26.0/{template_id}", headers=TOKEN).json["components"]
    assert components == [{"type": "BODY", "text": "Ready."}]


@pytest.mark.parametrize("key", ["name", "hsm_id", "hsm_ids"])
def test_a_template_is_deleted_by_name_or_id(client: FlaskClient, key: str) -> None:
    template_id = create(client).json["id"]
    value = {"name": "order_ready", "hsm_id": template_id, "hsm_ids": f'["{template_id}"]'}[key]

    deleted = client.delete(TEMPLATES, query_string={key: value}, headers=TOKEN)

    assert deleted.json == {"success": True}
    assert [item["name"] for item in client.get(TEMPLATES, headers=TOKEN).json["data"]] == ["hello_world"]
    assert client.delete(TEMPLATES, query_string={key: value}, headers=TOKEN).status_code == 400


def test_a_list_comes_in_pages(client: FlaskClient) -> None:
    for number in range(4):
        create(client, name=f"template_{number}")

    first = client.get(f"{TEMPLATES}?limit=3&fields=name", headers=TOKEN).json
    second = client.get(first["paging"]["next"], headers=TOKEN).json

    assert [len(first["data"]), len(second["data"])] == [3, 2]
    assert set(first["data"][0]) == {"name", "id"}
    assert "next" not in second["paging"]

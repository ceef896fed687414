"""`GET /api/contacts` and `/api/contacts/<id>`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.container import Gateway
from tests.conftest import API_KEY, on_sqlite
from tests.factories import ANA, BO, OTHER_PNID, PNID, SENT_AT, contact, message_body, text

Get = Callable[..., Any]
Receive = Callable[..., None]

pytestmark = on_sqlite


def test_a_contact_has_its_names_and_when_it_last_wrote_to_which_number(get: Get, receive: Receive) -> None:
    receive(
        message_body(text(timestamp=SENT_AT), contacts=[contact(user_id="AR.1")]),
        message_body(text(timestamp=SENT_AT - 60)),
        message_body(text(timestamp=SENT_AT + 60), number=OTHER_PNID),
    )

    [listed] = get("/api/contacts")["data"]

    assert listed["name"] == "Ana"
    assert {"kind": "wa_id", "value": ANA, "until": None} in listed["aliases"]
    assert {"kind": "user_id", "value": "AR.1", "until": None} in listed["aliases"]
    assert listed["windows"] == {
        PNID: {
            "last_inbound_at": "2021-09-30T18:00:00Z", "expires_at": "2021-10-01T18:00:00Z", "is_open": False,
        },
        OTHER_PNID: {
            "last_inbound_at": "2021-09-30T18:01:00Z", "expires_at": "2021-10-01T18:01:00Z", "is_open": False,
        },
    }  # fmt: skip
    assert get(f"/api/contacts/{listed['id']}") == listed
    assert get("/api/messages")["data"][0]["contact"]["id"] == listed["id"]


def test_the_list_goes_on_where_it_ended_newest_first(get: Get, receive: Receive) -> None:
    for number in (ANA, BO, "15551234567"):
        receive(message_body(text(sender=number)))

    first = get("/api/contacts", limit=2)
    second = get("/api/contacts", limit=2, cursor=first["next_cursor"])

    names = [each["aliases"][0]["value"] for each in first["data"] + second["data"]]
    assert names == ["15551234567", BO, ANA]
    assert second["next_cursor"] is None


def test_a_key_of_one_number_sees_who_wrote_with_it(
    client: FlaskClient, get: Get, receive: Receive, gateway: Gateway
) -> None:
    receive(message_body(text(sender=BO), number=OTHER_PNID))
    [hidden] = get("/api/contacts")["data"]
    receive(message_body(text(sender=ANA)), message_body(text(sender=ANA), number=OTHER_PNID))
    key = gateway.api_keys.make("bound", ["read"], [PNID])

    [seen] = get("/api/contacts", key=key)["data"]

    assert [each["value"] for each in seen["aliases"]] == [ANA]
    assert set(seen["windows"]) == {PNID}
    answer = client.get(f"/api/contacts/{hidden['id']}", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 404


@pytest.mark.parametrize("name", ["nobody", "a%00b"])
def test_nobody_by_that_id_is_404(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/api/contacts/{name}", headers={"Authorization": f"Bearer {API_KEY}"})

    assert answer.status_code == 404

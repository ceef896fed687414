from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.simulator.conftest import ANA, NUMBER, post_message, write

CHAT = f"/simulator/api/chats/{NUMBER}/{ANA}"
TEXT = {"type": "text", "text": {"body": "Hola"}}


def test_it_lists_every_message_that_was_accepted(client: FlaskClient) -> None:
    message_id = post_message(client, **TEXT, biz_opaque_callback_data="g1").json["messages"][0]["id"]
    post_message(client, type="text", text={})

    (accepted,) = client.get("/simulator/api/accepted").json["data"]

    assert (accepted["id"], accepted["to"], accepted["biz_opaque_callback_data"]) == (message_id, f"+{ANA}", "g1")
    assert accepted["body"]["text"] == {"body": "Hola"}


def test_a_chat_shows_both_sides(client: FlaskClient) -> None:
    write(client, "Hola")
    post_message(client, type="text", text={"body": "Buenas"})

    messages = client.get(CHAT).json["messages"]

    assert [(message["from_business"], message["content"]["body"]) for message in messages] == [
        (False, "Hola"),
        (True, "Buenas"),
    ]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:8001"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Host": "127.0.0.1:8001", "Origin": "http://127.0.0.1:8001"}, 201),
        ({"Host": "[::1]:8001"}, 201),
        ({}, 201),
    ],
)
def test_only_this_machine_may_write_as_the_customer(
    client: FlaskClient, headers: dict[str, str], status: int
) -> None:
    body = '{"type":"text","text":{"body":"x"}}'

    answer = client.post(f"{CHAT}/messages", data=body, headers={"Content-Type": "application/json", **headers})

    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/", "/phone/main.js", CHAT, "/simulator/api/accepted"])
def test_nothing_is_shown_under_a_foreign_name(client: FlaskClient, path: str) -> None:
    with client.get(path) as here, client.get(path, headers={"Host": "evil.example"}) as elsewhere:
        assert (here.status_code, elsewhere.status_code) == (200, 403)


@pytest.mark.parametrize("body", [[], {"type": "text"}, {"text": {"body": "x"}}])
def test_it_says_what_a_message_needs(client: FlaskClient, body: Any) -> None:
    answer = client.post(f"{CHAT}/messages", json=body)

    assert answer.status_code == 400
    assert answer.json["error"]


def test_the_page_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    with client.get("/") as page:
        assert "https://" not in page.text
        assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")


def test_every_part_of_the_page_is_there(client: FlaskClient) -> None:
    wanted, seen = ["/"], set()

    while wanted:
        path = wanted.pop()
        with client.get(path) as part:
            assert part.status_code == 200, path
            named = re.findall(r"""(?:src|href)="phone/([^"]+)"|from '\./([^']+)'""", part.text)
        seen.add(path)
        wanted += {f"/phone/{part or module}" for part, module in named} - seen - set(wanted)

    assert len(seen) > 10

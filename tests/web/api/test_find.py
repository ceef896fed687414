"""`GET /api/messages?find=`: one box for whatever is known of a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.container import Gateway
from app.services.messages import index_messages
from tests.conftest import API_KEY, on_sqlite
from tests.factories import ANA, BO, message_body, text, wamid

pytestmark = on_sqlite


@pytest.mark.parametrize("what", ["id", "wamid", "phone", "words"])
def test_a_message_is_found_by_whatever_is_known_of_it(
    receive: Callable[..., None], get: Callable[..., Any], gateway: Gateway, what: str
) -> None:
    name = wamid()
    receive(message_body(text("Where is order 4711?", id=name, sender=BO), text("Hola", sender=ANA)))
    index_messages(gateway.database)
    [message] = [each for each in get("/api/messages")["data"] if each["message_id"] == name]
    asked = {"id": message["id"], "wamid": name, "phone": f"+{BO[:2]} {BO[2:]}", "words": "ORDER 4711"}[what]

    found = get("/api/messages", find=asked)["data"]

    assert [each["message_id"] for each in found] == [name]


def test_it_goes_with_no_other_way_to_say_which(client: FlaskClient) -> None:
    answer = client.get("/api/messages?find=hola&q=hola", headers={"Authorization": f"Bearer {API_KEY}"})

    assert answer.status_code == 422
    assert list(answer.get_json()["error"]["fields"]) == ["find"]

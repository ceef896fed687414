from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from simulator.settings import SimulatorSettings
from tests.simulator.conftest import ANA, NUMBER, post_message, write

TEXT = {"type": "text", "text": {"body": "Hola"}}


def test_it_answers_a_message_in_the_shape_of_graph(client: FlaskClient) -> None:
    answer = post_message(client, **TEXT)

    assert answer.status_code == 200
    assert answer.json["messaging_product"] == "whatsapp"
    assert answer.json["contacts"] == [{"input": f"+{ANA}", "wa_id": ANA}]
    assert answer.json["messages"][0]["id"].startswith("wamid.")


@pytest.mark.parametrize(
    ("call", "status", "code", "subcode"),
    [
        ({"token": "wrong"}, 401, 190, None),
        ({"token": ""}, 403, 200, None),
        ({"number": "1"}, 400, 100, 33),
        ({"colour": "blue"}, 400, 100, None),
        ({"text": {"body": "Hola", "colour": "blue"}}, 400, 100, None),
        ({"text": {}}, 400, 131008, None),
        ({"text": {"body": "x" * 4097}}, 400, 131009, None),
        ({"text": {"body": 5}}, 400, 100, None),
        ({"to": None}, 400, 131008, None),
        ({"to": "nobody"}, 400, 131009, None),
        ({"type": "poem"}, 400, 131051, None),
        ({"messaging_product": "mail"}, 400, 131009, None),
        ({"messaging_product": None}, 400, 100, None),
        ({"to": "+15550100100"}, 400, 131021, None),
    ],
)
def test_it_refuses_with_the_code_of_graph(
    client: FlaskClient, call: dict[str, Any], status: int, code: int, subcode: int | None
) -> None:
    answer = post_message(client, **{**TEXT, **call})

    error = answer.json["error"]
    assert (answer.status_code, error["code"], error.get("error_subcode")) == (status, code, subcode)
    assert error["type"] == "OAuthException"
    assert error["fbtrace_id"]


def test_it_calls_an_unknown_path_an_object_that_does_not_exist(client: FlaskClient) -> None:
    answer = client.get("/v26.0/42/pictures", headers={"Authorization": "Bearer EAAsimulated"})

    assert (answer.status_code, answer.json["error"]["error_subcode"]) == (400, 33)


def test_it_marks_a_message_and_those_before_it_as_read(client: FlaskClient) -> None:
    write(client, "one")
    second = write(client, "two").json["id"]
    write(client, "three")

    answer = post_message(client, to=None, status="read", message_id=second)

    assert answer.json == {"success": True}
    chat = client.get(f"/simulator/api/chats/{NUMBER}/{ANA}").json
    assert [message["status"] == "read" for message in chat["messages"]] == [True, True, False]
    assert chat["business_types"] is False


def test_it_shows_the_typing_dots_until_the_answer_comes(client: FlaskClient) -> None:
    message_id = write(client).json["id"]
    path = f"/simulator/api/chats/{NUMBER}/{ANA}"

    post_message(client, to=None, status="read", message_id=message_id, typing_indicator={"type": "text"})

    assert client.get(path).json["business_types"] is True
    post_message(client, **TEXT)
    assert client.get(path).json["business_types"] is False


def test_it_does_not_mark_a_message_it_never_brought(client: FlaskClient) -> None:
    answer = post_message(client, to=None, status="read", message_id="wamid.X")

    assert answer.json["error"]["code"] == 100


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v13.0/"), ("GET", "/v13.0"), ("POST", "/v26.0/me/nothing/there"), ("PUT", "/v26.0/x")],
)
def test_what_is_no_route_under_a_version_is_graphs_own_refusal(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(path, method=method, headers={"Authorization": "Bearer EAAsimulated"})

    assert answer.status_code >= 400
    assert answer.json is not None and answer.json["error"]["code"] in (100, 33)
    assert answer.json["error"]["fbtrace_id"]


def test_the_token_stands_in_nothing_that_graph_answers(client: FlaskClient) -> None:
    """A gateway takes its token out of what it hands on; a common word would take more with it."""
    account = SimulatorSettings().numbers[0].waba_id

    answer = client.get(f"/v26.0/{account}", headers={"Authorization": "Bearer EAAsimulated"})

    assert "simulator" not in answer.get_data(as_text=True).lower()

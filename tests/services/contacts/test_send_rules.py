"""The customer's 24 hours."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses
from flask.testing import FlaskClient

from app.container import Gateway
from tests import factories
from tests.conftest import API_KEY, one_case_on_postgresql

pytestmark = one_case_on_postgresql

HOUR = 3600
TEMPLATE = {"type": "template", "template": {"name": "hello", "language": {"code": "es"}}}
TEXT = {"message": "Hola"}


@pytest.mark.parametrize(
    ("hours_ago", "body", "status"),
    [
        (1, TEXT, 200),
        (24, TEXT, 200),
        (25, TEXT, 422),
        (25, {**TEXT, "force": True}, 200),
        (25, TEMPLATE, 200),
    ],
)
def test_free_words_go_to_those_who_wrote_lately(
    client: FlaskClient,
    receive: Callable[..., None],
    graph: responses.RequestsMock,
    hours_ago: int,
    body: dict[str, Any],
    status: int,
) -> None:
    receive(factories.message_body(factories.text(timestamp=int(time.time()) - hours_ago * HOUR)))

    answer = _send(client, body)

    assert answer.status_code == status
    if status == 422:
        assert answer.get_json()["error"]["code"] == "window_closed"
        assert not graph.calls


def test_a_call_opens_the_window_too(
    client: FlaskClient, receive: Callable[..., None], graph: responses.RequestsMock
) -> None:
    now = int(time.time())
    call = {"id": "wacid.1", "from": factories.ANA, "event": "connect", "timestamp": str(now - HOUR)}
    receive(factories.message_body(factories.text(timestamp=now - 30 * HOUR)))
    receive(factories.notification(factories.change(field="calls", calls=[call])))

    assert _send(client, TEXT).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (TEMPLATE, 422),
        ({**TEMPLATE, "force": True}, 200),
        ({**TEXT, "priority": "bulk"}, 422),
        (TEXT, 200),
    ],
)
def test_who_wants_no_marketing_gets_none(
    client: FlaskClient,
    receive: Callable[..., None],
    graph: responses.RequestsMock,
    body: dict[str, Any],
    status: int,
) -> None:
    now = int(time.time())
    wish = {"wa_id": factories.ANA, "category": "marketing_messages", "value": "stop", "timestamp": now}
    receive(factories.message_body(factories.text(timestamp=now)))
    receive(factories.notification(factories.change(field="user_preferences", user_preferences=[wish])))

    answer = _send(client, body)

    assert answer.status_code == status
    if status == 422:
        error = answer.get_json()["error"]
        assert (error["code"], error["meta"]["how"]) == ("opted_out", "preference")
        assert [call.request.method for call in graph.calls if call.request.method == "POST"] == []


def test_of_a_stranger_meta_decides(client: FlaskClient, graph: responses.RequestsMock) -> None:
    assert _send(client, TEXT).status_code == 200


def _send(client: FlaskClient, body: dict[str, Any]):  # type: ignore[no-untyped-def]
    headers = {"Authorization": f"Bearer {API_KEY}"}
    return client.post("/send/whatsapp", json={"to": f"+{factories.ANA}", **body}, headers=headers)


@pytest.fixture
def graph(gateway: Gateway) -> Iterator[responses.RequestsMock]:
    config = gateway.config
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        url = f"{config.graph_api_url}/{config.graph_api_version}/{factories.PNID}/messages"
        mock.post(url, json={"messages": [{"id": "wamid.sent"}]})
        yield mock

"""Marking a customer's message as read, and showing that we write."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
import responses
from flask.testing import FlaskClient

from app.container import Gateway
from app.domain.numbers import Directory
from tests import factories
from tests.conftest import API_KEY

HEADERS = {"Authorization": f"Bearer {API_KEY}"}


@pytest.mark.parametrize(("action", "indicator"), [("read", None), ("typing", {"type": "text"})])
def test_meta_is_told_and_the_message_is_read(
    receive: Callable[..., None],
    client: FlaskClient,
    gateway: Gateway,
    get: Callable[..., Any],
    action: str,
    indicator: object,
) -> None:
    receive(factories.message_body(factories.text(id="wamid.a/b=")))
    url = f"{gateway.config.graph_api_url}/{gateway.config.graph_api_version}/{factories.PNID}/messages"
    with responses.RequestsMock() as graph:
        graph.post(url, json={"success": True})

        answer = client.post(f"/api/messages/wamid.a/b=/{action}", headers=HEADERS)

        sent = json.loads(graph.calls[0].request.body or b"")
    assert answer.status_code == 200
    assert sent["message_id"] == "wamid.a/b=" and sent["status"] == "read"
    assert sent.get("typing_indicator") == indicator
    assert get("/api/messages/wamid.a/b=")["status"] == "read"


def test_numbers_are_read_when_the_messages_connection_is_back(
    receive: Callable[..., None], gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `DATABASE_POOL_SIZE=1` it would wait for itself."""
    receive(factories.message_body(factories.text(id="wamid.a")))
    held: list[int] = []

    class Numbers:
        @property
        def current(self) -> Directory:
            held.append(gateway.database.engine.pool.checkedout())  # type: ignore[attr-defined]
            return gateway.directory.current

    monkeypatch.setattr(gateway.mark_read, "_directory", Numbers())
    monkeypatch.setattr(gateway.mark_read, "_graph", Mock())
    gateway.mark_read("wamid.a", None)

    assert held == [0]


def test_our_own_message_cannot_be_marked(receive: Callable[..., None], client: FlaskClient) -> None:
    receive(factories.echo_body(factories.echo("wamid.ours")))

    answer = client.post("/api/messages/wamid.ours/read", headers=HEADERS)

    assert answer.status_code == 409 and answer.get_json()["error"]["code"] == "wrong_state"


def test_a_message_nobody_has_is_not_found(client: FlaskClient) -> None:
    assert client.post("/api/messages/wamid.none/read", headers=HEADERS).status_code == 404

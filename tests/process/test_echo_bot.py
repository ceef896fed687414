"""The echo bot is told of nothing while somebody else answers, so that no message gets two answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.config.settings import load_config
from app.container import Gateway
from app.process import draining, echo_bot
from tests.conftest import API_KEY, SETTINGS, on_sqlite
from tests.factories import message_body, text

Receive = Callable[..., None]
SIMULATED = {**SETTINGS, "SIMULATOR": "true", "SIMULATOR_APP_SECRET": "simulated-app-secret-0123"}


@pytest.mark.parametrize(
    ("settings", "starts"),
    [
        ({}, True),
        ({"ECHO_BOT": "false"}, False),
        ({"HANDLERS": "mybot"}, False),
        ({"FORWARD_URL": "https://bot.example", "FORWARD_SECRET": f"whsec_{'MDEy' * 8}"}, False),
        ({"SIMULATOR": "false"}, False),
    ],
)
def test_it_starts_only_where_the_settings_name_nobody_who_answers(settings: dict[str, str], starts: bool) -> None:
    assert load_config(SIMULATED | settings).starts_echo_bot is starts


@on_sqlite
def test_it_hears_what_comes_while_nobody_else_answers(poll: Callable[..., Any], receive: Receive) -> None:
    receive(message_body(text("Hola")))

    assert len(poll(as_echo_bot=True)["data"]) == 1


@on_sqlite
def test_it_hears_of_nothing_while_an_app_reads_events(poll: Callable[..., Any], receive: Receive) -> None:
    receive(message_body(text("Hola")))
    theirs = poll(as_echo_bot=False)

    ours = poll(as_echo_bot=True)

    assert (ours["data"], ours["next_cursor"]) == ([], theirs["next_cursor"])


@on_sqlite
def test_who_reads_and_answers_nobody_is_no_app(
    poll: Callable[..., Any], receive: Receive, client: FlaskClient
) -> None:
    receive(message_body(text("Hola")))
    headers = {"Authorization": f"Bearer {API_KEY}", echo_bot.HEADER: "0"}

    assert client.get("/api/events?after=0", headers=headers).get_json()["data"]

    assert poll(as_echo_bot=True)["data"]


@on_sqlite
def test_an_app_that_has_not_read_for_long_does_not_count(poll: Callable[..., Any], receive: Receive) -> None:
    receive(message_body(text("Hola")))
    echo_bot.note_reader(1_000_000.0)

    assert poll(as_echo_bot=True)["data"]
    assert echo_bot.has_reader(1_000_000.0 + 599) and not echo_bot.has_reader(1_000_000.0 + 601)


@on_sqlite
def test_it_hears_of_nothing_while_an_endpoint_answers(
    poll: Callable[..., Any], receive: Receive, gateway: Gateway
) -> None:
    gateway.manage_endpoints.add({"url": "https://bot.example", "replies": True})
    gateway.endpoints.forget()
    receive(message_body(text("Hola")))

    assert poll(as_echo_bot=True)["data"] == []


@pytest.fixture
def poll(client: FlaskClient, gateway: Gateway) -> Iterator[Callable[..., Any]]:
    """Read all events as a bot does."""
    object.__setattr__(gateway.config, "simulator", True)  # frozen, and shared by all services

    def poll_(*, as_echo_bot: bool) -> Any:
        mark = {echo_bot.HEADER: "1"} if as_echo_bot else {}
        answer = client.get("/api/events?after=0", headers={"Authorization": f"Bearer {API_KEY}"} | mark)
        assert answer.status_code == 200
        return answer.get_json()

    os.ftruncate(draining.descriptor(), 1)
    yield poll_
    os.ftruncate(draining.descriptor(), 1)

"""What `endpoints test` says of an app that answers 200 and drops everything."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.config.settings import Config
from app.container import Gateway
from app.services.endpoints.silence import LIKELY, NOTHING_YET, DetectSilence
from tests.conftest import API_KEY, on_sqlite, with_settings
from tests.factories import ANA, BO, message_body, text
from tests.jobs.conftest import Harness, harness
from tests.subscriber import ALLOWED, Handler, Posted, subscriber

__all__ = ["harness"]

Receive = Callable[..., None]
Look = Callable[..., list[str]]


@pytest.fixture
def config(config: Config) -> Config:
    return with_settings(config, forward_allow_nets=(ipaddress.ip_network(ALLOWED),))


@pytest.fixture
def look(gateway: Gateway, config: Config, harness: Harness) -> Look:
    """Look half a minute later."""

    def look_(asked_by: str | None = None) -> list[str]:
        harness.pass_by(seconds=31)
        see = DetectSilence(config, gateway.database, harness.clock)
        (endpoint,) = harness.directory.read()
        return see(endpoint, asked_by)

    return look_


def test_an_app_that_drops_everything_is_told_by_what_never_came_back(
    harness: Harness, receive: Receive, look: Look, client: FlaskClient
) -> None:
    with subscriber() as app:
        harness.endpoint(app.url, format="meta")
        receive(message_body(text("1"), text("2", sender=BO)))
        harness.rounds()

        nothing_sent, no_call, likely = look()
        assert nothing_sent.startswith("Nothing has been sent to whoever wrote the 2 messages since 20")
        assert (no_call, likely) == ("No key has called /graph or the API since.", LIKELY)

        client.get("/api/events", headers={"Authorization": f"Bearer {API_KEY}"})
        assert look() == [nothing_sent, LIKELY]
        assert look("API_KEY") == [nothing_sent, no_call, LIKELY]

        send(client)
        assert look() == []


def send(client: FlaskClient) -> None:
    body = {"to": f"+{ANA}", "message": "Hola", "mode": "queued", "force": True}
    answer = client.post("/send/whatsapp", json=body, headers={"Authorization": f"Bearer {API_KEY}"})
    assert answer.status_code == 202, answer.get_data(as_text=True)


def test_an_app_whose_secret_is_a_key_is_told_by_that_key(
    harness: Harness, receive: Receive, look: Look, client: FlaskClient, gateway: Gateway
) -> None:
    key = gateway.api_keys.make("n8n", ["admin"], None)
    with subscriber() as app:
        harness.endpoint(app.url, format="meta", secret=gateway.encryptor.encrypt(key))
        receive(message_body(text("1")))
        harness.rounds()

        client.get("/api/events", headers={"Authorization": f"Bearer {API_KEY}"})
        assert "Its key, `n8n`, has not called /graph or the API since." in look()
        client.get("/graph/me", headers={"Authorization": f"Bearer {key}"})
        assert look("n8n")[1:] == [LIKELY]


@pytest.mark.parametrize(("answer", "is_told"), [(b"{}", True), (b'{"reply":"Hola"}', False)])
def test_a_reply_that_was_asked_for_and_never_given_is_told(
    harness: Harness, receive: Receive, look: Look, answer: bytes, is_told: bool
) -> None:
    def reply(handler: Handler, posted: Posted) -> None:
        handler.answer(200, answer)

    with subscriber(reply) as app:
        harness.endpoint(app.url, replies=True)
        receive(message_body(text("1")))
        harness.rounds()

    told = [each for each in look() if each.startswith("`replies` is set")]
    assert bool(told) is is_told
    if is_told:
        assert told[0].startswith("`replies` is set, and no answer of its to the message that it took at 20")


@on_sqlite
def test_the_command_and_the_api_tell_it(
    harness: Harness, client: FlaskClient, app: Flask
) -> None:
    with subscriber() as theirs:
        harness.endpoint(theirs.url)
        told = app.test_cli_runner().invoke(args=["endpoints", "test", "app"])
        answer = client.post("/api/endpoints/app/test", headers={"Authorization": f"Bearer {API_KEY}"}).get_json()
    refused = client.post("/api/endpoints/app/test", headers={"Authorization": f"Bearer {API_KEY}"}).get_json()

    assert told.exit_code == 0
    assert f"- {NOTHING_YET}" in told.output
    assert (answer["success"], answer["warnings"]) == (True, [NOTHING_YET])
    assert (refused["success"], refused["warnings"]) == (False, [])

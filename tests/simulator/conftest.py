from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from simulator.app import create_simulator
from simulator.settings import MetaApp, Pace, SimulatorSettings
from tests.simulator.receiver import SECRET, Receiver

NUMBER = "700100200300400"
ANA = "5491112345678"
QUICK = Pace(sent_after=0.01, delivered_after=0.03, read_after=0.05, first_retry_after=0.02)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def settings(receiver: Receiver) -> SimulatorSettings:
    app = MetaApp(app_secret=SECRET, webhook_url=receiver.url)
    return SimulatorSettings(apps=(app,), pace=QUICK, seed=7, enforce_window=False)


@pytest.fixture
def make_client(settings: SimulatorSettings) -> Iterator[Callable[..., FlaskClient]]:
    """Makes a client of a simulator whose settings differ in what is given."""
    made = []

    def make(**changes: Any) -> FlaskClient:
        app = create_simulator(replace(settings, **changes))
        made.append(app)
        return app.test_client()

    yield make
    for app in made:
        app.extensions["simulator"].close()


@pytest.fixture
def client(make_client: Callable[..., FlaskClient]) -> FlaskClient:
    return make_client()


@pytest.fixture
def send(client: FlaskClient) -> Callable[..., Any]:
    """Sends a message as the business would; returns the answer."""
    return lambda **body: post_message(client, **body)


def post_message(client: FlaskClient, number: str = NUMBER, token: str = "EAAsimulated", **body: Any) -> Any:
    """Send as the business, to Ana unless told otherwise; a key given as `None` is left out."""
    envelope = {"messaging_product": "whatsapp", "to": f"+{ANA}"}
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    given = {key: value for key, value in {**envelope, **body}.items() if value is not None}
    return client.post(f"/v26.0/{number}/messages", json=given, headers=headers)


def write(client: FlaskClient, text: str = "Hola", wa_id: str = ANA) -> Any:
    path = f"/simulator/api/chats/{NUMBER}/{wa_id}/messages"
    return client.post(path, json={"type": "text", "text": {"body": text}})

"""Whatever goes through the gateway, no secret, phone number or text of a message is in its logs."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from flask.testing import FlaskClient
from sqlalchemy import delete

from app.config.settings import Config
from app.container import Gateway
from app.logs import configure_logging
from app.models.queue import NumberLimit
from tests.conftest import ACCESS_TOKEN, API_KEY, APP_SECRET, SETTINGS, VERIFY_TOKEN, PostWebhook, on_sqlite
from tests.factories import ANA, BO, DISPLAY, PNID, WABA, change, contact, message_body, notification, status, text

WORDS = "pomegranate-in-a-message"
NAME = "Anastasia-by-name"
SENT_WORDS = "quince-in-an-answer"
URL = f"https://graph.example/v26.0/{PNID}/messages"
KEY = {"Authorization": f"Bearer {API_KEY}"}
ACCEPTED = ({"Accept": "text/plain"}, {"Accept": "application/openmetrics-text; version=1.0.0"})


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_nothing_that_belongs_to_a_customer_or_opens_a_door_is_logged(
    capfd: pytest.CaptureFixture[str],
    client: FlaskClient,
    post_webhook: PostWebhook,
    process_all: Callable[[], None],
    gateway: Gateway,
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configure_logging(config, "web")  # once more, on the console that is being caught now
    made_key = gateway.api_keys.make("reader", ["read"], None)

    webhooks_good_and_bad(client, post_webhook)
    process_all()
    handshakes(client)
    sends(client, gateway)
    questions(client, made_key)
    mistakes_of_ours(client, gateway, post_webhook, process_all, monkeypatch)

    console = capfd.readouterr().err
    file = "".join(path.read_text() for path in Path(config.log_dir).iterdir())
    for logged in (console, file):
        assert "unexpected error" in logged
        assert "storing items one by one" in logged
    logged = console + file
    hidden = [
        API_KEY, APP_SECRET, ACCESS_TOKEN, VERIFY_TOKEN, made_key, SETTINGS["SECRET_KEY"], SETTINGS["ENCRYPTION_KEY"],
        ANA, BO, WORDS, NAME, SENT_WORDS, "wamid.",
    ]  # fmt: skip
    assert [word for word in hidden if word in logged] == []


@on_sqlite
@pytest.mark.parametrize("path", [f"/{ANA}", f"/api/+{ANA}", f"/contacts/{ANA}/x", f"/{WORDS}/{NAME}"])
def test_a_mistyped_path_is_not_logged(
    capfd: pytest.CaptureFixture[str], client: FlaskClient, config: Config, path: str
) -> None:
    configure_logging(config, "web")
    assert client.get(path, headers=KEY).status_code == 404

    logged = capfd.readouterr().err
    assert "status=404" in logged
    assert [word for word in (ANA, WORDS, NAME) if word in logged] == []


def webhooks_good_and_bad(client: FlaskClient, post_webhook: PostWebhook) -> None:
    poison: Any = {"id": "wamid.P", "from": {"a": ANA}, "text": WORDS}
    post_webhook(message_body(text(WORDS), poison, text(WORDS, sender=BO), contacts=[contact(name=NAME)]))
    post_webhook(notification(change(statuses=[status("wamid.S", "failed", errors=[{"code": 1, "title": WORDS}])])))
    post_webhook(f"not JSON {WORDS} {ANA}".encode())
    post_webhook(message_body(text(WORDS)), "another-secret-0123456789")
    client.post("/webhook/whatsapp", data=WORDS, headers={"X-Hub-Signature-256": f"sha256={APP_SECRET}"})
    client.post(f"/webhook/whatsapp?token={ACCESS_TOKEN}", data=b"x" * 5_000_000)


def handshakes(client: FlaskClient) -> None:
    for token in (VERIFY_TOKEN, WORDS):
        query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": WORDS}
        client.get("/webhook/whatsapp", query_string=query)


def sends(client: FlaskClient, gateway: Gateway) -> None:
    body = {"to": f"+{ANA}", "message": SENT_WORDS, "callback_data": WORDS, "force": True}
    answers: list[dict[str, Any]] = [
        {"json": {"messages": [{"id": "wamid.A"}]}},
        {"status": 400, "json": {"error": {"code": 131026, "message": f"{ANA} {WORDS} {ACCESS_TOKEN}"}}},
        {"status": 401, "json": {"error": {"code": 190, "message": ACCESS_TOKEN}}},
        {"status": 429, "json": {"error": {"code": 130429, "message": ANA}}},
        {"status": 500, "body": f"{ANA} {WORDS}"},
        {"body": requests.ReadTimeout(f"{ANA} {ACCESS_TOKEN}")},
        {"body": requests.ConnectionError(f"{ANA} {ACCESS_TOKEN}")},
        {"body": RuntimeError(f"{ANA} {ACCESS_TOKEN}")},
    ]
    for answer in answers:
        with gateway.database.write() as session:  # as if nothing had gone wrong before
            session.execute(delete(NumberLimit))
        with responses.RequestsMock() as graph:
            graph.post(URL, **answer)
            client.post("/send/whatsapp", json=body, headers=KEY)
    client.post("/send/whatsapp", json={"to": ANA + "x", "message": SENT_WORDS, "type": WORDS}, headers=KEY)
    client.post("/send/whatsapp", data=f"{{{ANA}", content_type="application/json", headers=KEY)
    client.post("/send/whatsapp", json=body, headers={"Authorization": f"Bearer {ACCESS_TOKEN}"})


def questions(client: FlaskClient, key: str) -> None:
    for path in (f"/api/messages?contact=%2B{ANA}", f"/api/messages/{ANA}", f"/api/messages?cursor={WORDS}",
                 f"/nowhere?api_key={key}", "/api/messages/wamid.P", f"/api/messages?since={ANA}"):  # fmt: skip
        client.get(path, headers={"Authorization": f"Bearer {key}"})


def mistakes_of_ours(
    client: FlaskClient,
    gateway: Gateway,
    post_webhook: PostWebhook,
    process_all: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*arguments: Any, **more: Any) -> Any:
        raise RuntimeError(f"{ANA} {WORDS} {ACCESS_TOKEN} {arguments}")

    with monkeypatch.context() as patch:
        patch.setattr("app.web.api.messages.list_messages", fail)
        client.get("/api/messages", headers=KEY)
    with monkeypatch.context() as patch:
        patch.setattr("app.services.processing.change_set_builder.ChangeSetBuilder.event_row", fail)
        post_webhook(message_body(text(WORDS, sender=BO)))
        process_all()


PERSONAL = frozenset(
    "from to wa_id recipient_id user_id parent_user_id from_user_id body name caption filename username formatted_name"
    " first_name last_name phone email address street city url link quoted_wamid emoji description response_json text"
    " sha256 participant new_wa_id old_wa_id author".split()
)
"""Keys of Meta's JSON whose values are about a person, or what a person wrote."""

NOT_PERSONAL = frozenset({PNID, WABA, DISPLAY})


def personal(value: Any, key: str = "") -> Iterator[str]:
    """What is about a person in a notification: long enough not to be an ordinary word, and no other field's name."""
    if isinstance(value, dict):
        for inner, below in value.items():
            yield from personal(below, inner)
    elif isinstance(value, list):
        for below in value:
            yield from personal(below, key)
    elif isinstance(value, str) and len(value) >= 6 and value not in NOT_PERSONAL:
        if key in PERSONAL or value.startswith("wamid."):
            yield value


@on_sqlite
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_type_of_notification_leaves_anything_of_a_person_in_logs_or_metrics(
    capfd: pytest.CaptureFixture[str],
    client: FlaskClient,
    post_webhook: PostWebhook,
    process_all: Callable[[], None],
    config: Config,
    log_format: str,
) -> None:
    configure_logging(dataclasses.replace(config, log_format=log_format), "web")
    hidden: set[str] = set()
    for path in sorted((Path(__file__).parents[1] / "notifications").glob("*.json")):
        given = json.loads(path.read_text())["notification"]
        hidden |= set(personal(given))
        post_webhook(given)
    process_all()
    for route in ("messages", "contacts", "conversations", "events", "media", "notifications"):
        for word in ("Ana", ANA):
            client.get(f"/api/{route}", query_string={"q": word, "limit": 500}, headers=KEY)
    pages = [client.get("/metrics", headers=KEY | accept).get_data(as_text=True) for accept in ACCEPTED]

    logged = capfd.readouterr().err + "".join(path.read_text() for path in Path(config.log_dir).iterdir())
    assert len(hidden) > 60 and logged.count("\n") > 200
    encoded = {base64.b64encode(f"{each}\x15".encode()).decode()[:12] for each in (ANA, BO)}
    assert [each for each in sorted(hidden | encoded) for text in (logged, *pages) if each in text] == []

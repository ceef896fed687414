from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from simulator.settings import BusinessNumber, MetaApp, SimulatorSettings
from tests.simulator.conftest import ANA, NUMBER, post_message, write
from tests.simulator.receiver import SECRET, Receiver

ACCOUNT = "900100200300400"
APP = "600100200300400"
TOKEN = {"Authorization": "Bearer EAAsimulated"}
APP_TOKEN = {"Authorization": f"Bearer {APP}|{SECRET}"}
OTHER = BusinessNumber("700", "900", "15550100200", "Other Shop")


@pytest.fixture
def callback() -> Iterator[str]:
    """A webhook that knows the verify token `right`, and counts nothing."""
    app = Flask("callback")

    @app.get("/hook")
    def challenge() -> tuple[str, int]:
        if request.args["hub.mode"] == "subscribe" and request.args["hub.verify_token"] == "right":
            return request.args["hub.challenge"], 200
        return "", 403

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    thread.join()
    server.server_close()


def subscribe(client: FlaskClient, url: str, verify_token: str = "right", **form: str) -> Any:
    body = {"object": "whatsapp_business_account", "callback_url": url, "verify_token": verify_token, **form}
    return client.post(f"/v26.0/{APP}/subscriptions", data=body, headers=APP_TOKEN)


def test_a_callback_is_taken_once_it_echoes_the_challenge(client: FlaskClient, callback: str) -> None:
    answer = subscribe(client, callback, fields="messages,account_update")

    assert answer.json == {"success": True}
    (own,) = client.get(f"/v26.0/{APP}/subscriptions", headers=APP_TOKEN).json["data"]
    assert own["callback_url"] == callback
    assert [field["name"] for field in own["fields"]] == ["account_update", "messages"]


@pytest.mark.parametrize(
    ("url", "verify_token"),
    [
        ("{callback}", "wrong"),
        ("http://127.0.0.1:9/hook", "right"),
        ("https://example.com/hook", "right"),
        ("http://169.254.169.254/hook", "right"),
    ],
)
def test_a_callback_that_does_not_answer_for_itself_is_refused(
    client: FlaskClient, callback: str, url: str, verify_token: str
) -> None:
    answer = subscribe(client, url.format(callback=callback), verify_token)

    assert answer.json["error"]["code"] == 2200


@pytest.mark.parametrize(
    "url", ["http://127.0.0.2:9/hook", "http://127.0.0.2:9\\@127.0.0.1/hook", "http://[::1/hook", "hook"]
)
def test_nobody_outside_this_machine_is_called_however_the_address_is_written(client: FlaskClient, url: str) -> None:
    """A backslash ends the host for the library that connects, and not for Python's `urlsplit`."""
    answer = subscribe(client, url)

    assert "nobody outside this machine" in answer.text or "MissingSchema" in answer.text


def test_an_app_hears_only_of_the_fields_it_asked_for(
    make_client: Callable[..., FlaskClient], receiver: Receiver
) -> None:
    client = make_client()
    client.application.extensions["simulator"].world.subscriptions.get(APP).fields = frozenset({"account_update"})

    write(client)
    event = {"waba_id": ACCOUNT, "field": "account_update", "value": {"event": "DISABLED_UPDATE"}}
    client.post("/simulator/api/webhooks", json=event)

    assert receiver.wait(lambda: receiver.values("account_update"), 1) == [{"event": "DISABLED_UPDATE"}]
    assert receiver.messages() == []


def test_an_account_that_is_not_subscribed_brings_nothing(client: FlaskClient, receiver: Receiver) -> None:
    path = f"/v26.0/{ACCOUNT}/subscribed_apps"

    client.delete(path, headers=TOKEN)
    unsubscribed = client.get(path, headers=TOKEN).json["data"]
    write(client, "lost")
    client.post(path, headers=TOKEN)
    write(client, "found")

    assert unsubscribed == []
    assert [message["text"]["body"] for message in receiver.wait(receiver.messages, 1)] == ["found"]
    assert client.get(path, headers=TOKEN).json["data"][0]["whatsapp_business_api_data"]["id"] == APP


def test_an_override_takes_the_messages_of_one_number(client: FlaskClient, receiver: Receiver, callback: str) -> None:
    override = {"webhook_configuration": {"override_callback_uri": callback, "verify_token": "right"}}

    client.post(f"/v26.0/{NUMBER}", json=override, headers=TOKEN)
    write(client, "elsewhere")
    client.post(f"/v26.0/{NUMBER}", json={"webhook_configuration": {"override_callback_uri": ""}}, headers=TOKEN)
    write(client, "here")

    assert [message["text"]["body"] for message in receiver.wait(receiver.messages, 1)] == ["here"]


def test_apps_see_their_own_numbers_alone(
    make_client: Callable[..., FlaskClient], settings: SimulatorSettings, receiver: Receiver
) -> None:
    first = replace(settings.apps[0], waba_ids=(ACCOUNT,))
    second = MetaApp("601", SECRET, access_token="second", webhook_url=receiver.url, waba_ids=("900",))
    client = make_client(numbers=(BusinessNumber(), OTHER), apps=(first, second))

    own = post_message(client, "700", "second", type="text", text={"body": "x"})
    foreign = post_message(client, NUMBER, "second", type="text", text={"body": "x"})

    assert own.status_code == 200
    assert foreign.json["error"]["error_subcode"] == 33
    accounts = {value["metadata"]["phone_number_id"] for value in receiver.wait(receiver.values, 3)}
    assert accounts == {"700"}


def test_a_token_can_be_looked_into(client: FlaskClient) -> None:
    good = client.get("/v26.0/debug_token?input_token=EAAsimulated", headers=APP_TOKEN).json["data"]
    bad = client.get("/v26.0/debug_token?input_token=other", headers=TOKEN).json["data"]

    assert (good["is_valid"], good["app_id"], good["expires_at"]) == (True, APP, 0)
    assert good["granular_scopes"][0]["target_ids"] == [ACCOUNT]
    assert (bad["is_valid"], bad["error"]["code"]) == (False, 190)


def test_the_app_secret_buys_the_app_token(client: FlaskClient) -> None:
    query = f"client_id={APP}&client_secret={SECRET}&grant_type=client_credentials"

    answer = client.get(f"/v26.0/oauth/access_token?{query}")

    assert answer.json["access_token"] == f"{APP}|{SECRET}"


def test_a_number_shows_the_fields_that_were_asked_for(client: FlaskClient) -> None:
    path = f"/v26.0/{NUMBER}"

    asked = client.get(f"{path}?fields=display_phone_number,throughput,webhook_configuration", headers=TOKEN).json
    unknown = client.get(f"{path}?fields=verified_name,colour", headers=TOKEN).json
    listed = client.get(f"/v26.0/{ACCOUNT}/phone_numbers", headers=TOKEN).json["data"]

    assert set(asked) == {"display_phone_number", "throughput", "webhook_configuration", "id"}
    assert "nonexisting field (colour)" in unknown["error"]["message"]
    assert [number["id"] for number in listed] == [NUMBER]


def test_the_history_tells_what_became_of_a_message(client: FlaskClient, receiver: Receiver) -> None:
    message_id = post_message(client, type="text", text={"body": "x"}).json["messages"][0]["id"]
    receiver.wait(receiver.statuses, 3)

    path = f"/v26.0/{NUMBER}/message_history"
    (entry,) = client.get(path, query_string={"message_id": message_id}, headers=TOKEN).json["data"]

    assert sorted(event["delivery_status"] for event in entry["events"]["data"]) == ["DELIVERED", "READ", "SENT"]


def test_somebody_blocked_can_neither_be_written_to_nor_write(client: FlaskClient, receiver: Receiver) -> None:
    write(client)
    path, body = f"/v26.0/{NUMBER}/block_users", {"messaging_product": "whatsapp", "block_users": [{"user": f"+{ANA}"}]}

    blocked = client.post(path, json=body, headers=TOKEN).json["block_users"]
    refused = post_message(client, type="text", text={"body": "x"}).json["error"]["code"]
    write(client, "unheard")
    client.delete(path, json=body, headers=TOKEN)
    write(client, "heard")

    assert blocked == {"added_users": [{"input": f"+{ANA}", "wa_id": ANA}]}
    assert refused == 130403
    heard = {message["text"]["body"] for message in receiver.wait(receiver.messages, 2)}
    assert heard == {"Hola", "heard"}


def test_only_somebody_who_wrote_lately_can_be_blocked(client: FlaskClient) -> None:
    body = {"messaging_product": "whatsapp", "block_users": [{"user": f"+{ANA}"}]}

    answer = client.post(f"/v26.0/{NUMBER}/block_users", json=body, headers=TOKEN).json["block_users"]

    assert answer["added_users"] == []
    assert answer["failed_users"][0]["errors"][0]["code"] == 139100


def test_the_profile_keeps_what_it_was_given(client: FlaskClient) -> None:
    path = f"/v26.0/{NUMBER}/whatsapp_business_profile"

    client.post(path, json={"messaging_product": "whatsapp", "about": "Shoes"}, headers=TOKEN)
    too_long = client.post(path, json={"messaging_product": "whatsapp", "about": "x" * 140}, headers=TOKEN)

    assert client.get(path, headers=TOKEN).json["data"][0]["about"] == "Shoes"
    assert too_long.json["error"]["code"] == 131009

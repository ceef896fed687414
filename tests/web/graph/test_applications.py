"""What published applications do with Meta beside sending: show keys in other ways, and subscribe to webhooks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.config.settings import Config
from app.container import Gateway
from tests.conftest import API_KEY, with_settings
from tests.factories import PNID, WABA
from tests.web.graph.test_face import TEXT, error_of

GRAPH = "https://graph.example/v26.0"
BEARER = {"Authorization": f"Bearer {API_KEY}"}


@pytest.fixture
def config(config: Config) -> Config:
    return with_settings(config, forward_allow_nets=(ip_network("127.0.0.0/8"),))


@pytest.fixture
def app(app_without_meta: Any) -> Any:
    return app_without_meta


@pytest.mark.parametrize("place", ["query", "json", "form", "app token"])
def test_a_key_may_stand_in_query_or_body_and_goes_nowhere(
    client: FlaskClient, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    path = f"/graph/{PNID}/messages"
    more: dict[str, Any] = {"json": TEXT}
    if place == "query":
        path += f"?access_token={API_KEY}"
    elif place == "form":
        more = {"data": {"to": TEXT["to"], "type": "text", "text": '{"body":"Hi"}', "access_token": API_KEY}}
    elif place == "json":
        more = {"json": {**TEXT, "access_token": API_KEY}}
    else:
        path += f"?access_token=123|{API_KEY}"

    with responses.RequestsMock() as graph:
        graph.post(f"{GRAPH}/{PNID}/messages", json={"messages": [{"id": "wamid.X"}]})
        answer = client.post(path, **more)
        sent = graph.calls[0].request

    assert answer.status_code == 200, answer.get_json()
    assert API_KEY not in str(sent.url) + str(sent.body) + str(sent.headers) + caplog.text


def test_a_setting_forbids_it(client: FlaskClient, gateway: Gateway) -> None:
    closed = with_settings(gateway.config, graph_key_in_request=False)
    object.__setattr__(gateway, "config", closed)

    assert error_of(client.get(f"/graph/{PNID}?access_token={API_KEY}")) == (401, 190)
    assert error_of(client.post(f"/graph/{PNID}/messages", json={"access_token": API_KEY})) == (401, 190)


def test_a_key_is_given_for_itself(client: FlaskClient) -> None:
    given = {"grant_type": "client_credentials", "client_id": "123", "client_secret": API_KEY}

    for answer in (
        client.get("/graph/oauth/access_token", query_string=given),
        client.post("/graph/v23.0/oauth/access_token", data=given),
        client.post("/graph/oauth/access_token", data={"grant_type": "client_credentials"}, auth=("123", API_KEY)),
    ):
        assert answer.get_json() == {"access_token": API_KEY, "token_type": "bearer"}
    assert error_of(client.post("/graph/oauth/access_token", data={"client_secret": "nobody"})) == (401, 190)


def test_who_a_key_is(client: FlaskClient, gateway: Gateway) -> None:
    key = gateway.api_keys.make("crm", ["read"], [PNID])

    assert client.get("/graph/me", headers={"Authorization": f"Bearer {key}"}).get_json()["name"] == "crm"
    told = client.get(f"/graph/debug_token?input_token={key}", headers=BEARER).get_json()["data"]
    assert (told["is_valid"], told["scopes"]) == (True, ["whatsapp_business_messaging"])
    assert told["granular_scopes"][0]["target_ids"] == [WABA]
    assert client.get("/graph/debug_token?input_token=x", headers=BEARER).get_json()["data"]["is_valid"] is False


def test_a_key_is_letters_and_digits(gateway: Gateway) -> None:
    keys = [gateway.api_keys.make(f"k{number}", ["read"], None) for number in range(20)]

    assert all(key.isascii() and key.isalnum() and len(key) >= 40 for key in keys)


class Callback(HTTPServer):
    """An application's callback URL."""

    echoes = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?x=1"


@pytest.fixture
def callback() -> Iterator[Callback]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            fits = callback.echoes and query["hub.verify_token"] == ["mine"] and query["x"] == ["1"]
            self.send_response(200 if fits else 403)
            self.end_headers()
            self.wfile.write(query["hub.challenge"][0].encode() if fits else b"no")

        def log_message(self, *_: Any) -> None:
            pass

    callback = Callback(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=callback.serve_forever, args=(0.05,))
    thread.start()
    yield callback
    callback.shutdown()
    thread.join()
    callback.server_close()


def subscribe(client: FlaskClient, callback: Callback, app: str = "123") -> TestResponse:
    body = {"object": "whatsapp_business_account", "callback_url": callback.url, "verify_token": "mine",
            "fields": '["messages"]', "include_values": "true"}  # fmt: skip
    return client.post(f"/graph/v20.0/{app}/subscriptions", data=body, headers=BEARER)


def test_a_subscription_is_an_endpoint_made_after_its_handshake(
    client: FlaskClient, gateway: Gateway, callback: Callback
) -> None:
    callback.echoes = False
    assert error_of(subscribe(client, callback)) == (400, 2200)
    callback.echoes = True
    for _ in range(2):
        assert subscribe(client, callback).get_json() == {"success": True}
    assert subscribe(client, callback, app="124").get_json() == {"success": True}

    rows = gateway.manage_endpoints.list()
    assert [(row.url, row.format) for row in rows] == [(callback.url, "meta")] * 2
    assert gateway.endpoints.to_domain(rows[0]).secrets[0] == API_KEY
    listed = client.get("/graph/123/subscriptions", headers=BEARER).get_json()["data"]
    assert listed == [
        {"object": "whatsapp_business_account", "callback_url": callback.url, "active": True,
         "fields": [{"name": "messages", "version": "v26.0"}]}
    ]  # fmt: skip
    assert client.delete("/graph/123/subscriptions", headers=BEARER).get_json() == {"success": True}
    assert client.get("/graph/123/subscriptions", headers=BEARER).get_json() == {"data": []}
    assert len(client.get("/graph/124/subscriptions", headers=BEARER).get_json()["data"]) == 1


@pytest.mark.parametrize(
    ("path", "wrap"), [(PNID, lambda body: {"webhook_configuration": body}), (f"{WABA}/subscribed_apps", dict)]
)
def test_a_callback_for_a_number_or_an_account_is_an_endpoint_too(
    client: FlaskClient, gateway: Gateway, callback: Callback, path: str, wrap: Callable[[Any], Any]
) -> None:
    """At Meta it would take the webhooks away from us, so that the call must never arrive there."""
    wanted = wrap({"override_callback_uri": callback.url, "verify_token": "mine"})

    def ask(body: Any) -> TestResponse:
        return client.post(f"/graph/v26.0/{path}", json=body, headers=BEARER)

    callback.echoes = False
    assert error_of(ask(wanted)) == (400, 2200)
    callback.echoes = True
    for _ in range(2):
        assert ask(wanted).get_json() == {"success": True}

    (row,) = gateway.manage_endpoints.list()
    assert (row.url, row.format, row.numbers) == (callback.url, "meta", [PNID])
    assert gateway.endpoints.to_domain(row).secrets[0] == API_KEY
    if path == PNID:
        assert ask(wrap({"override_callback_uri": ""})).get_json() == {"success": True}
    else:
        assert client.delete(f"/graph/v26.0/{path}", headers=BEARER).get_json() == {"success": True}
    assert [each for each in gateway.manage_endpoints.list() if each.removed_at is None] == []


@pytest.mark.parametrize("path", ["700100200300999", "900100200300999/subscribed_apps"])
def test_a_callback_for_what_is_not_ours_is_refused(client: FlaskClient, callback: Callback, path: str) -> None:
    given = {"override_callback_uri": callback.url, "verify_token": "mine"}
    body = given | {"webhook_configuration": given}

    assert error_of(client.post(f"/graph/v26.0/{path}", json=body, headers=BEARER)) == (400, 100)


def test_nobody_is_called_where_endpoints_may_not_be(client: FlaskClient, gateway: Gateway) -> None:
    body = {"callback_url": "http://169.254.169.254/x", "verify_token": "mine"}
    key = gateway.api_keys.make("reader", ["read", "send"], None)

    assert error_of(client.post("/graph/123/subscriptions", json=body, headers=BEARER)) == (400, 100)
    reader = {"Authorization": f"Bearer {key}"}
    assert error_of(client.post("/graph/123/subscriptions", json=body, headers=reader)) == (403, 10)
    assert error_of(client.post("/graph/abc/subscriptions", json=body, headers=BEARER)) == (400, 100)

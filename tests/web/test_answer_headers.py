"""Every answer tells a browser to guess nothing, frame nothing, and keep nothing that it was not told to keep."""

from __future__ import annotations

import logging

import pytest
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from app.security.answer_headers import ALL
from app.start.web_process import error_answer
from tests.conftest import API_KEY, SETTINGS, PostWebhook, on_sqlite
from tests.factories import message_body, text

KEY = {"Authorization": f"Bearer {API_KEY}"}
STRICT = dict(ALL)


@on_sqlite
@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", {}, 200),
        ("GET", "/healthz", {}, 200),
        ("GET", "/readyz", {}, 200),
        ("GET", "/openapi.json", {}, 200),
        ("GET", "/metrics", KEY, 200),
        ("GET", "/metrics", {}, 401),
        ("GET", "/api/messages", KEY, 200),
        ("GET", "/api/messages", {}, 401),
        ("GET", "/api/messages/nothing", KEY, 404),
        ("GET", "/nowhere", {}, 404),
        ("DELETE", "/api/messages", KEY, 405),
        ("POST", "/send/whatsapp", KEY, 415),
        ("POST", "/webhook/whatsapp", {}, 401),
        ("GET", "/webhook/whatsapp", {}, 403),
        ("GET", "/graph/v26.0/me", {}, 401),
        ("POST", "/graph/v26.0/123/messages", KEY, 400),
    ],
)
def test_an_answer_that_is_no_page_carries_all_of_them(
    client: FlaskClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = client.open(path, method=method, headers=headers)

    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in STRICT} == STRICT


@on_sqlite
def test_the_handshakes_answer_does_too_and_is_logged_and_counted(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "whatsapp_service.web.observe")
    before = _answered_webhooks()

    query = {"hub.mode": "subscribe", "hub.challenge": "123", "hub.verify_token": SETTINGS["WHATSAPP_VERIFY_TOKEN"]}
    answer = client.get("/webhook/whatsapp", query_string=query)

    assert (answer.status_code, answer.text) == (200, "123")
    assert {name: answer.headers.get(name) for name in STRICT} == STRICT
    assert [record.__dict__["route"] for record in caplog.records] == ["/webhook/whatsapp"]
    assert _answered_webhooks() == before + 1


def _answered_webhooks() -> float:
    labels = {"area": "webhook", "status": "200"}
    return REGISTRY.get_sample_value("whatsapp_http_requests_total", labels) or 0.0


@on_sqlite
def test_a_stored_webhooks_answer_does_too(post_webhook: PostWebhook) -> None:
    answer = post_webhook(message_body(text()))

    assert answer.status_code == 200
    assert {name: answer.headers.get(name) for name in STRICT} == STRICT


def test_what_the_server_itself_refuses_does_too() -> None:
    head, _, _ = error_answer("HTTP/1.1 431 Request Header Fields Too Large", "an-id").partition(b"\r\n\r\n")

    assert [name for name, value in ALL if f"\r\n{name}: {value}".encode() not in head] == []


@on_sqlite
@pytest.mark.parametrize("path", ["/docs", "/inbox", "/inbox/sign-in", "/inbox/nothing"])
def test_a_page_has_a_policy_of_its_own(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Accept": "text/html"}, follow_redirects=True)

    assert answer.content_type.startswith("text/html")
    policy = answer.headers["Content-Security-Policy"]
    assert "'unsafe-inline'" not in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"

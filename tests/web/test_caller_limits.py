"""A key that asks too often is told to wait; others, and Meta, are not."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.web import caller_limits
from tests.conftest import API_KEY, PostWebhook, on_sqlite
from tests.factories import message_body, text

HEADERS = {"Authorization": f"Bearer {API_KEY}"}

pytestmark = on_sqlite


@pytest.fixture
def limited(app: Flask) -> Iterator[Flask]:
    """An application of two processes, of which each allows a key five requests in ten seconds."""
    gateway = app.extensions["gateway"]
    config = dataclasses.replace(gateway.config, api_requests_per_second=1, web_concurrency=2)
    app.extensions["gateway"] = dataclasses.replace(gateway, config=config)
    caller_limits._limiter.cache_clear()
    yield app
    caller_limits._limiter.cache_clear()


def test_a_key_that_asks_too_often_is_told_for_how_long_to_wait(limited: Flask) -> None:
    client = limited.test_client()
    other = {"Authorization": f"Bearer {limited.extensions['gateway'].api_keys.make('other', ['read'], None)}"}

    answers = [client.get("/api/stats", headers=HEADERS) for _ in range(6)]

    assert [each.status_code for each in answers] == [200] * 5 + [429]
    assert answers[-1].get_json()["error"]["code"] == "throttled"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= caller_limits.WINDOW_SECONDS
    assert client.get("/api/stats", headers=other).status_code == 200
    refused = client.post("/graph/v26.0/1/messages", headers=HEADERS, json={})
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (429, 130429)


def test_webhooks_have_no_limit(limited: Flask, post_webhook: PostWebhook) -> None:
    assert {post_webhook(message_body(text())).status_code for _ in range(20)} == {200}


def test_without_the_setting_there_is_no_limit(client: FlaskClient) -> None:
    assert {client.get("/healthz").status_code for _ in range(20)} == {200}
    assert {client.get("/api/alerts", headers=HEADERS).status_code for _ in range(20)} == {200}

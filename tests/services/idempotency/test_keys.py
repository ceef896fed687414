"""The same key of the same caller is one message, whatever happens in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import responses
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app, migrations
from app.config.settings import Config, load_config
from app.container import Gateway
from app.store import idempotency

GRAPH = "https://graph.facebook.com/v26.0/106540352242922/messages"
BODY = {"to": "+5491112345678", "message": "Hola"}


def test_a_retry_is_answered_with_the_first_message(client: FlaskClient, graph: responses.RequestsMock) -> None:
    graph.post(GRAPH, json={"messages": [{"id": "wamid.1"}]})

    first = _send(client, "order-1")
    second = _send(client, "order-1")

    assert first.status_code == second.status_code == 200
    assert second.json == first.json
    assert second.headers["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first.headers
    assert len(graph.calls) == 1


def test_another_body_under_the_same_key_is_refused(client: FlaskClient, graph: responses.RequestsMock) -> None:
    graph.post(GRAPH, json={"messages": [{"id": "wamid.1"}]})
    _send(client, "order-1")

    answer = _send(client, "order-1", BODY | {"message": "Adiós"})

    assert answer.status_code == 422
    assert answer.json["error"]["code"] == "idempotency_mismatch"
    assert len(graph.calls) == 1


def test_a_send_that_certainly_did_not_happen_leaves_its_key_free(
    client: FlaskClient, graph: responses.RequestsMock
) -> None:
    graph.post(GRAPH, status=400, json={"error": {"code": 130429, "message": "slow down"}})
    assert _send(client, "order-1").status_code == 429
    graph.post(GRAPH, json={"messages": [{"id": "wamid.1"}]})

    answer = _send(client, "order-1")

    assert answer.status_code == 200 and answer.json["message_id"] == "wamid.1"


def test_a_refusal_is_told_again_without_asking_meta_again(client: FlaskClient, graph: responses.RequestsMock) -> None:
    graph.post(GRAPH, status=400, json={"error": {"code": 131026, "message": "undeliverable"}})
    first = _send(client, "order-1")

    second = _send(client, "order-1")

    assert first.status_code == second.status_code == 422
    assert second.json["error"]["code"] == "refused" and second.json["id"] == first.json["id"]
    assert len(graph.calls) == 1


def test_fifty_at_once_are_one_send(client: FlaskClient, graph: responses.RequestsMock) -> None:
    graph.post(GRAPH, json={"messages": [{"id": "wamid.1"}]})
    codes: list[int] = []

    def ask() -> None:
        codes.append(_send(client.application.test_client(), "order-1").status_code)

    threads = [threading.Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(graph.calls) == 1
    assert set(codes) <= {200, 409} and 200 in codes


def test_a_key_is_good_for_its_own_caller_only(client: FlaskClient, graph: responses.RequestsMock) -> None:
    graph.post(GRAPH, json={"messages": [{"id": "wamid.1"}]})
    graph.post(GRAPH, json={"messages": [{"id": "wamid.2"}]})
    other = _gateway(client).api_keys.make("other", ["send"], None)

    first, second = _send(client, "order-1"), _send(client, "order-1", key=other)

    assert first.json["id"] != second.json["id"]


@pytest.mark.parametrize("bad", ["", "x" * 256, "ñ"])
def test_an_unusable_key_is_refused(client: FlaskClient, graph: responses.RequestsMock, bad: str) -> None:
    answer = _send(client, bad)

    assert answer.status_code == 422 and "Idempotency-Key" in answer.json["error"]["fields"]


def test_a_retry_after_a_crash_waits_and_is_then_told_that_nobody_knows(
    client: FlaskClient, graph: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = _gateway(client)

    def die(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(gateway.send._graph, "send", die)
    with pytest.raises(SystemExit):
        _send(client, "order-1")

    assert _send(client, "order-1").status_code == 409
    monkeypatch.setattr(gateway.sweep_sends, "_now", lambda: datetime(2099, 1, 1, tzinfo=UTC))
    assert gateway.sweep_sends.reap_orphans() == 1
    answer = _send(client, "order-1")
    assert answer.status_code == 202 and answer.json["status"] == "unknown"


def test_a_key_is_forgotten_after_two_days(
    client: FlaskClient, graph: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph.post(GRAPH, json={"messages": [{"id": "wamid.1"}]})
    _send(client, "order-1")
    gateway = _gateway(client)
    monkeypatch.setattr(gateway.sweep_sends, "_now", lambda: datetime(2099, 1, 1, tzinfo=UTC))

    gateway.sweep_sends.purge()

    with gateway.database.read() as session:
        assert idempotency.find(session, "API_KEY", "order-1") is None


def _gateway(client: FlaskClient) -> Gateway:
    found: Gateway = client.application.extensions["gateway"]
    return found


def _send(client: FlaskClient, idempotency_key: str, body: object = BODY, key: str = "k" * 24) -> TestResponse:
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": idempotency_key}
    return client.post("/send/whatsapp", json=body, headers=headers)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(
        {
            "WHATSAPP_ACCESS_TOKEN": "EAAG-token",
            "WHATSAPP_APP_SECRET": "0123456789abcdef",
            "WHATSAPP_PHONE_NUMBER_ID": "106540352242922",
            "WHATSAPP_VERIFY_TOKEN": "verify-token",
            "API_KEY": "k" * 24,
            "SECRET_KEY": "s" * 32,
            "ENCRYPTION_KEY": "ab" * 32,
            "DATABASE_URL": f"sqlite:///{tmp_path}/whatsapp.db",
            "LOG_DIR": str(tmp_path / "logs"),
        }
    )


@pytest.fixture
def client(config: Config) -> Iterator[FlaskClient]:
    app = create_app(config)
    database = app.extensions["gateway"].database
    migrations.upgrade(database)
    yield app.test_client()
    database.dispose()


@pytest.fixture
def graph() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock

"""What happens after a change was answered goes by the change, in every process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.config.settings import Config
from app.container import Gateway
from app.errors import BadSignature, Unavailable
from app.models import Delivery
from app.security.meta_signatures import sign_meta
from app.security.standard_webhooks import new_secret
from app.services.registries import versions
from app.services.registries.versions import Registry
from tests.conftest import API_KEY, on_sqlite, with_settings
from tests.factories import OTHER_PNID, message_body, text, to_bytes

Receive = Callable[..., None]
BELIEVED = 0.3
SECRET = "the-app-secret-of-another-app"


@pytest.fixture
def other(gateway: Gateway, config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """Another process of the same gateway, which has just read everything and believes it for a while."""
    monkeypatch.setattr(versions, "VERSION_LIFETIME_SECONDS", BELIEVED)
    other = Gateway.build(config, "test")
    assert gateway.endpoints.current is not None and gateway.directory.current is not None
    yield other
    other.database.dispose()


def owed(gateway: Gateway) -> list[str]:
    with gateway.database.read() as session:
        return list(session.scalars(select(Delivery.endpoint_id).order_by(Delivery.id)))


def test_events_after_the_answer_are_owed_to_a_new_endpoint_and_none_to_one_that_is_gone(
    gateway: Gateway, other: Gateway, receive: Receive
) -> None:
    receive(message_body(text()))
    row, _ = other.manage_endpoints.add({"url": "https://app.example"})
    receive(message_body(text()))
    other.manage_endpoints.change(row.id, {"types": ["message.status"]})
    receive(message_body(text()))
    other.manage_endpoints.change(row.id, {"types": None})
    receive(message_body(text()))
    other.manage_endpoints.remove(row.id)
    receive(message_body(text()))

    assert owed(gateway) == [row.id, row.id]


def test_a_pause_a_number_and_a_key_count_once_they_are_answered(
    gateway: Gateway, other: Gateway, client: FlaskClient
) -> None:
    def see() -> None:
        assert gateway.directory.current and gateway.endpoints.current is not None

    headers = {"Authorization": f"Bearer {API_KEY}"}
    raw = to_bytes(message_body(text(), number=OTHER_PNID))
    signature = sign_meta(SECRET, raw)
    with pytest.raises(BadSignature):
        gateway.receive(raw, signature, "1")
    see()
    body = {"phone_number_id": OTHER_PNID, "app_secrets": [SECRET]}
    assert client.post("/api/numbers", json=body, headers=headers).status_code == 201
    other.receive(raw, signature, "2")
    gateway.receive(raw, signature, "2")
    assert client.delete(f"/api/numbers/{OTHER_PNID}", headers=headers).status_code == 200
    with pytest.raises(BadSignature):
        other.receive(raw, signature, "3")

    key = other.api_keys.make("k", ["read"], None)
    assert gateway.api_keys.find(key) is not None
    other.api_keys.revoke("k")
    assert gateway.api_keys.find(key) is None

    row, _ = other.manage_endpoints.add({"url": "https://app.example"})
    see()
    other.manage_endpoints.change(row.id, {"paused": True})
    assert [each.is_open for each in gateway.endpoints.current] == [False]


@on_sqlite
def test_many_who_ask_at_once_are_one_question_and_one_while_it_is_believed(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def look_version(_: Any) -> int:
        asked.append(time.monotonic())
        time.sleep(0.02)
        return 7

    monkeypatch.setattr(versions, "VERSION_LIFETIME_SECONDS", 30.0)
    monkeypatch.setattr(versions.registry, "look_version", look_version)
    known, told = Registry(gateway.database), []
    threads = [threading.Thread(target=lambda: told.append(known.version())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (told, len(asked)) == ([7] * 20, 1)


@on_sqlite
def test_while_the_database_is_away_the_last_known_counts(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Any) -> int:
        raise Unavailable

    known, fresh = Registry(gateway.database), Registry(gateway.database)
    assert known.version() == 0
    monkeypatch.setattr(versions.registry, "look_version", away)

    assert known.version() == 0
    with pytest.raises(Unavailable):
        fresh.version()


@on_sqlite
def test_the_very_first_event_is_owed_to_the_settings_endpoint(gateway: Gateway, receive: Receive) -> None:
    settings = {"forward_url": "https://app.example", "forward_secret": new_secret()}
    object.__setattr__(gateway.endpoints, "_config", with_settings(gateway.config, **settings))

    gateway.endpoints.make_of_settings()
    gateway.endpoints.make_of_settings()
    receive(message_body(text()))

    assert owed(gateway) == ["settings"]

"""The state that Prometheus reads: of queues, numbers, endpoints, prices; without a person in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from sqlalchemy import update

from app.container import Gateway
from app.db.database import Database
from app.errors import Unavailable
from app.metrics_state import FAMILIES, Samples, endpoint_label
from app.models import Endpoint, NumberLimit
from app.services.operations import ReadState
from app.store import limiters
from tests.conftest import API_KEY, PostWebhook, on_sqlite
from tests.factories import DISPLAY, PNID, message_body, notification, text

HEADERS = {"Authorization": f"Bearer {API_KEY}"}
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


def read(gateway: Gateway, ahead: float = 0.0) -> Samples:
    """The state, as if it were some seconds later."""
    now = datetime.now(UTC) + timedelta(seconds=ahead)
    return ReadState(gateway.config, gateway.database, gateway.directory, "1.2.3", lambda: now)()


def of(samples: Samples, name: str, *labels: str) -> float | None:
    """The value of one sample."""
    return dict(samples.get(name, ())).get(labels)


def test_queues_tell_how_much_waits_and_for_how_long(
    gateway: Gateway, client: FlaskClient, post_webhook: PostWebhook, process_all: Callable[[], None]
) -> None:
    endpoint, _ = gateway.manage_endpoints.add({"url": "https://app.example/"})
    post_webhook(message_body(text(), text()))
    process_all()
    post_webhook(message_body(text()))
    body = {"to": "+5491112345678", "message": "Hola", "mode": "queued", "force": True}
    assert client.post("/send/whatsapp", json=body, headers=HEADERS).status_code == 202

    state, name = read(gateway, ahead=60), endpoint_label(endpoint.id)

    waiting = {labels[0]: value for labels, value in state["whatsapp_backlog"]}
    ages = {labels[0]: value for labels, value in state["whatsapp_backlog_oldest_seconds"]}
    assert waiting == {"webhooks": 1, "sends": 1, "files": 0, "deliveries": 2}
    assert all(59 < ages[each] < 120 for each in ("webhooks", "sends", "deliveries")) and ages["files"] == 0
    assert of(state, "whatsapp_number_backlog", PNID) == 1
    assert 59 < (of(state, "whatsapp_number_backlog_oldest_seconds", PNID) or 0) < 120
    assert of(state, "whatsapp_endpoint_backlog", name) == 2
    assert of(state, "whatsapp_database_up") == 1
    assert of(state, "whatsapp_build_info", "1.2.3") == 1
    assert state.keys() <= FAMILIES.keys()


def test_limits_breakers_and_pauses_are_told_by_number(gateway: Gateway, database: Database) -> None:
    now = datetime.now(UTC)
    with database.write() as session:
        limiters.save(session, limiters.lock(session, PNID, now))
        session.execute(
            update(NumberLimit).values(
                share=0.5, ambiguous_failures=2, ambiguous_since=now, paused_for="auth", token_hash="x",
                bulk_stopped_by=131031,
            )
        )  # fmt: skip

    state = read(gateway)

    assert of(state, "whatsapp_number_breaker_open", PNID) == 1
    assert of(state, "whatsapp_number_paused", PNID, "auth") == 1
    assert of(state, "whatsapp_number_paused", PNID, "rate") == 0
    assert of(state, "whatsapp_number_bulk_stopped", PNID) == 1
    assert of(state, "whatsapp_number_messages_per_second", PNID) == pytest.approx(80 * 0.98 * 0.5)


def test_an_endpoint_that_fails_is_told_by_its_hash(gateway: Gateway, database: Database) -> None:
    endpoint, _ = gateway.manage_endpoints.add({"url": "https://app.example/"})
    since = datetime.now(UTC) - timedelta(seconds=90)
    with database.write() as session:
        session.execute(update(Endpoint).values(failures=7, opens=2, failing_since=since))

    state, name = read(gateway), endpoint_label(endpoint.id)

    assert of(state, "whatsapp_endpoint_breaker_open", name) == 1
    assert of(state, "whatsapp_endpoint_failing_seconds", name) == pytest.approx(90, abs=20)
    assert of(state, "whatsapp_endpoint_disabled", name) == 0


@on_sqlite
def test_what_meta_says_of_a_number_is_told(gateway: Gateway, receive: Callable[[dict[str, Any]], None]) -> None:
    told = {"display_phone_number": DISPLAY, "event": "FLAGGED", "current_limit": "TIER_1K"}
    value = {"field": "phone_number_quality_update", "value": told}
    receive(notification(value))

    state = read(gateway)

    assert of(state, "whatsapp_number_flagged", PNID) == 1
    assert of(state, "whatsapp_number_limit", PNID) == 1000
    assert of(state, "whatsapp_number_limit_used", PNID) == 0


@on_sqlite
def test_without_a_database_the_rest_is_told(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_self: Database) -> None:
        raise Unavailable

    monkeypatch.setattr(Database, "read", away)

    state = read(gateway)

    assert of(state, "whatsapp_database_up") == 0
    assert "whatsapp_backlog" not in state and of(state, "whatsapp_disk_bytes", "database")


@on_sqlite
def test_a_scraper_of_openmetrics_gets_the_state_and_the_request_of_a_bucket(
    client: FlaskClient, post_webhook: PostWebhook
) -> None:
    client.get("/api/stats", headers=HEADERS | {"X-Request-ID": "a-request-of-mine"})

    answer = client.get("/metrics", headers=HEADERS | OPENMETRICS)

    assert answer.content_type.startswith("application/openmetrics-text")
    families = {each.name: each for each in text_string_to_metric_families(answer.get_data(as_text=True))}
    exemplars = [each.exemplar for each in families["whatsapp_http_seconds"].samples if each.exemplar]
    assert "a-request-of-mine" in {each.labels["request_id"] for each in exemplars}
    assert families["whatsapp_database_up"].samples[0].value == 1


@on_sqlite
def test_a_key_that_is_bound_to_numbers_may_not_read_what_is_about_all(client: FlaskClient, gateway: Gateway) -> None:
    key = gateway.api_keys.make("bounded", ["read"], [PNID])

    answer = client.get("/metrics", headers={"Authorization": f"Bearer {key}"})

    assert answer.status_code == 403
    assert "bound to numbers" in answer.get_json()["error"]["message"]

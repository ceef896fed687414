"""What README and docs say of logs, metrics, keys and the description is so."""

from __future__ import annotations

import logging

import pytest
import responses
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from app import metrics
from app.container import Gateway
from app.errors import GraphThrottled, GraphUnknown, Invalid
from app.services.sending import outcomes
from app.web.errors import answer_ours
from tests.conftest import API_KEY, on_sqlite
from tests.factories import PNID

HEADERS = {"Authorization": f"Bearer {API_KEY}"}

pytestmark = on_sqlite


def test_the_log_tells_every_area_of_the_api_by_its_name(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    areas = {rule.rule.split("/")[2] for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")}
    caplog.set_level(logging.DEBUG)

    for area in areas:
        client.get(f"/api/{area}/5491112345678", headers=HEADERS)
    client.get("/5491112345678/hola", headers=HEADERS)

    told = {getattr(record, "route", "") for record in caplog.records}
    assert told - {""} == {f"/api/{area}" for area in areas} | {"/*/*"}
    assert len(areas) > 9


def test_sends_are_counted_in_one_vocabulary_however_they_go(client: FlaskClient) -> None:
    def counts() -> dict[str, float]:
        parsed = text_string_to_metric_families(metrics.text().decode())
        found = [each for family in parsed for each in family.samples if each.name == "whatsapp_sends_total"]
        return {each.labels["outcome"]: each.value for each in found}

    before = counts()
    with responses.RequestsMock() as graph:
        graph.post(f"https://graph.example/v26.0/{PNID}/messages", json={"messages": [{"id": "wamid.1"}]})
        client.post("/send/whatsapp", json={"to": "+5491112345678", "message": "a", "force": True}, headers=HEADERS)
    with responses.RequestsMock() as graph:
        graph.post(f"https://graph.example/v26.0/{PNID}/messages", status=400, json={"error": {"code": 131026}})
        client.post("/send/whatsapp", json={"to": "+5491112345678", "message": "b", "force": True}, headers=HEADERS)
    outcomes.count(GraphUnknown(), PNID)

    after = counts()
    assert {each: after[each] - before.get(each, 0.0) for each in ("accepted", "refused", "unknown")} == {
        "accepted": 1.0, "refused": 1.0, "unknown": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["", " ", "a b", "ñ", "x" * 65, "-x", "a\nb", "<b>"])
def test_a_key_has_a_plain_name(gateway: Gateway, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        gateway.api_keys.make(name, ["read"], None)

    assert list(refused.value.fields or {}) == ["name"]


@pytest.mark.parametrize("path", ["/openapi.json", "/openapi.assistant.json", "/events.schema.json"])
def test_open_routes_are_answered_with_what_was_made_once(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    first = client.get(path)
    for name in ("build", "build_for_assistants", "event_schema"):
        monkeypatch.setattr(f"app.web.openapi.{name}", lambda *_: pytest.fail("made again"))

    again = [client.get(path) for _ in range(20)]

    assert {each.data for each in again} == {first.data}
    assert first.get_json()


@pytest.mark.parametrize(("error", "seconds"), [(GraphThrottled(), "5"), (GraphThrottled(retry_after=42), "42")])
def test_whoever_is_told_to_wait_is_told_for_how_long(app: Flask, error: GraphThrottled, seconds: str) -> None:
    with app.test_request_context():
        answer = answer_ours(error)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, seconds)

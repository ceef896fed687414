"""The description holds for every route, and every route for its description.

Long form, 5,000 requests and more, counted: `DRILL=long .venv/bin/pytest tests/web/test_openapi.py`.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.web.api import events
from app.web.openapi.operations import OPERATIONS
from tests.conftest import API_KEY, on_sqlite
from tests.factories import PNID, message_body, status, status_body, text, wamid

IS_LONG = os.environ.get("DRILL") == "long"
EXAMPLES = 300 if IS_LONG else 60
"""For each route; those that take nothing are asked once."""

LEAST_REQUESTS = 5_000

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
"""Not that everything the document allows is accepted: rules between two fields stand in no schema of ours."""

pytestmark = on_sqlite


def test_every_route_is_described(app: Flask) -> None:
    routes = {rule.endpoint for rule in app.url_map.iter_rules()} - {"static"}

    assert routes == set(OPERATIONS)


def test_the_document_says_what_an_answer_holds_and_who_may_ask(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()

    show = document["paths"]["/api/messages/{message_id}"]["get"]
    assert document["openapi"] == "3.1.0"
    assert show["security"] == [{"key": ["read"]}]
    assert document["paths"]["/send/whatsapp"]["post"]["security"] == [{"key": ["send"]}]
    assert document["paths"]["/healthz"]["get"]["security"] == []
    assert show["responses"]["200"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/NormalizedMessage"
    }
    message = document["components"]["schemas"]["NormalizedMessage"]
    assert set(message["required"]) == set(message["properties"])


def test_the_document_knows_where_the_service_is_mounted(client: FlaskClient) -> None:
    document = client.get("/openapi.json", environ_overrides={"SCRIPT_NAME": "/whatsapp"}).get_json()

    assert document["servers"] == [{"url": "/whatsapp"}]


def test_the_page_needs_no_key_and_runs_our_own_files_alone(client: FlaskClient) -> None:
    with client.get("/docs") as page:
        policy = page.headers["Content-Security-Policy"]
        html = page.get_data(as_text=True)

    assert page.status_code == 200
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script>" not in html and " style=" not in html


@pytest.mark.parametrize("name", ["docs.css", "main.js", "elements.js", "shapes.js"])
def test_the_files_of_the_page_are_served(client: FlaskClient, name: str) -> None:
    with client.get(f"/static/docs/{name}") as file:
        assert file.status_code == 200


@pytest.mark.parametrize("endpoint", sorted(set(OPERATIONS) - {"openapi.document"}))
def test_whatever_is_asked_the_answer_is_as_described(api: Any, asked: Counter[int], endpoint: str) -> None:
    path, method = next(
        (path, method)
        for path, methods in api.raw_schema["paths"].items()
        for method, described in methods.items()
        if method != "parameters" and described["operationId"] == endpoint.replace(".", "_")
    )
    operation = api[path][method.upper()]

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def ask(case: Any) -> None:
        answer = case.call_and_validate(headers={"Authorization": f"Bearer {API_KEY}"}, checks=CHECKS)
        asked[answer.status_code] += 1

    ask()


def test_a_send_that_succeeds_is_answered_as_described(api: Any, client: FlaskClient) -> None:
    body = {"to": "+5491112345678", "message": "Hola", "force": True}

    answer = client.post("/send/whatsapp", json=body, headers={"Authorization": f"Bearer {API_KEY}"})

    assert answer.status_code == 200
    api["/send/whatsapp"]["POST"].validate_response(answer)


@pytest.fixture
def api(
    app: Flask, document: Callable[[Flask], Any], receive: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """The service, with something in it to list, a Graph that takes everything, and no patience."""
    monkeypatch.setattr(events, "LONGEST_WAIT_SECONDS", 0)
    receive(message_body(text(), text()), b"no notification", status_body(status(wamid())))
    with responses.RequestsMock(assert_all_requests_are_fired=False) as graph:
        graph.add_callback("POST", f"https://graph.example/v26.0/{PNID}/messages", _accept)
        graph.post(re.compile(r"https://graph\.example/v26\.0/\w+/uploads\?.*"), json={"id": "upload:1"})
        nothing = {"error": {"message": "no such object", "code": 100, "error_subcode": 33}}
        graph.get(re.compile(r"https://graph\.example/.*"), status=400, json=nothing)
        described = schemathesis.openapi.from_dict(document(app))
        described.app = app
        yield described


@pytest.fixture(scope="module")
def document() -> Callable[[Flask], Any]:
    """The document of an application, which is every other's: written once."""
    written: list[bytes] = []

    def document_(app: Flask) -> Any:
        if not written:
            written.append(app.test_client().get("/openapi.json").data)
        return json.loads(written[0])

    return document_


@pytest.fixture(scope="module")
def asked(pytestconfig: pytest.Config) -> Iterator[Counter[int]]:
    """How many requests were answered with which status, told at the end; in the long form they are many."""
    counted: Counter[int] = Counter()
    yield counted
    told = f"{counted.total():,} requests, by status: {dict(sorted(counted.items()))}"
    with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        pytestconfig.get_terminal_writer().line(f"\n{told}")
    assert [status for status in counted if status >= 500] == []
    assert counted.total() >= (LEAST_REQUESTS if IS_LONG else 0)


def _accept(_request: Any) -> tuple[int, dict[str, str], str]:
    return 200, {}, json.dumps({"messages": [{"id": wamid()}]})

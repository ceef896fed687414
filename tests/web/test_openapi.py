"""The description holds for every route, and every route for its description.

Long form, 5,000 requests and more, counted: `DRILL=long .venv/bin/pytest tests/web/test_openapi.py`.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)

from app import web
from app.config.settings import Config
from app.container import Gateway
from app.web.api import events
from app.web.errors import STATUS
from app.web.openapi.operations import operations
from simulator.graph.media.store import MIME_TYPES
from tests.conftest import API_KEY, on_sqlite, with_settings
from tests.factories import PNID, message_body, status, status_body, text, wamid

IS_LONG = os.environ.get("DRILL") == "long"
EXAMPLES = 300 if IS_LONG else 5
"""For each route; those that take nothing are asked once."""

LEAST_REQUESTS = 5_000

ITSELF = "getServiceOpenApi"
"""Where the description of it is read, schemathesis asks for nothing."""

assert web  # all views are known from here on
NAMES = sorted(
    {
        view.operation.name
        for name, module in sorted(sys.modules.items())
        if name.startswith("app.web.")
        for view in vars(module).values()
        if inspect.isfunction(view) and hasattr(view, "operation") and not view.operation.hidden
    }
)


def status_is_described(ctx: Any, response: Any, case: Any) -> None:
    """Each status by itself: `default` stands for those of servers and proxies before us."""
    assert str(response.status_code) in case.operation.definition.raw["responses"], response.status_code


CHECKS = [
    not_a_server_error,
    status_is_described,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
"""Not that everything the document allows is accepted: rules between two fields stand in no schema of ours."""

pytestmark = on_sqlite


FILES = ("openapi", "openapi.graph", "openapi.service", "openapi.assistant", "openapi.webhooks")


def test_every_route_is_described(app: Flask) -> None:
    access = app.extensions["gateway.access"]
    pages = {name for name, whom in access.items() if whom is not None and whom.startswith("person:")}
    routes = {each.endpoint for each in app.url_map.iter_rules() if each.endpoint.partition(".")[0] not in pages}

    assert routes - {"static"} == set(operations(app))


@pytest.mark.parametrize("file", FILES)
def test_each_file_is_valid_openapi(client: FlaskClient, file: str) -> None:
    validate(client.get(f"/{file}.json").get_json())


def test_each_route_stands_in_one_file_under_a_name_of_its_own(app: Flask, client: FlaskClient) -> None:
    files = [list(_described(client.get(f"/{file}.json").get_json())) for file in FILES[:3]]
    names = [each["operationId"] for file in files for each in file]
    shown = {each.name for each in operations(app).values() if not each.hidden}

    assert sorted(names) == sorted(shown)
    assert all(re.fullmatch("[a-z]+([A-Z][a-z]+)+|subscribe|unsubscribe", name) for name in names), names
    assert "{anything}" not in json.dumps(files)


@pytest.mark.parametrize("file", FILES)
def test_every_operation_says_in_its_own_words_what_it_is_for(client: FlaskClient, file: str) -> None:
    document = client.get(f"/{file}.json").get_json()
    found = list(_described(document))
    tags = {tag["name"] for tag in document["tags"]}

    summaries = Counter(each["summary"] for each in found)
    assert [summary for summary, count in summaries.items() if count > 1] == []
    assert all(each["description"].startswith(each["summary"]) for each in found)
    assert {tag for each in found for tag in each["tags"]} == tags
    assert all(len(each["tags"]) == 1 for each in found)


def test_the_document_says_what_an_answer_holds_and_who_may_ask(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()

    show = document["paths"]["/api/messages/{message_id}"]["get"]
    assert document["openapi"] == "3.1.0"
    assert show["security"] == [{"key": ["read"]}]
    assert document["paths"]["/send/whatsapp"]["post"]["security"] == [{"key": ["send"]}]
    assert show["responses"]["200"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/NormalizedMessage"
    }
    message = document["components"]["schemas"]["NormalizedMessage"]
    assert set(message["required"]) == set(message["properties"])


def test_what_is_said_of_every_answer_stands_there(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    components = document["components"]
    for operation in _described(document):
        answers = {
            status: components["responses"][answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
            for status, answer in operation["responses"].items()
        }
        names = {each["name"] for each in operation.get("parameters", ())}
        assert "default" in answers
        assert all("X-Request-ID" in answer["headers"] for answer in answers.values())
        assert all("Retry-After" in answers[status]["headers"] for status in ("429", "503") if status in answers)
        replayed = [status for status, answer in answers.items() if "Idempotent-Replayed" in answer["headers"]]
        assert bool(replayed) == ("Idempotency-Key" in names), operation["operationId"]
    assert "Idempotency-Key" in {each["name"] for each in document["paths"]["/api/messages/bulk"]["post"]["parameters"]}


def test_answers_are_open_and_requests_are_closed(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    schemas = document["components"]["schemas"]
    asked = {name for each in _described(document) for name in _names(each.get("requestBody", {}), schemas)}
    answered = {name for each in _described(document) for name in _names(each["responses"], document["components"])}

    closed = {name for name, schema in schemas.items() if schema.get("additionalProperties") is False}
    assert closed & answered == set()
    assert {name for name in asked if schemas[name].get("type") == "object"} - closed == {"SendRaw", "BulkRaw"}


def test_every_pattern_is_read_alike_by_javascript(client: FlaskClient) -> None:
    found = {
        each["pattern"] for file in FILES for each in _schemas(client.get(f"/{file}.json").get_json())
        if isinstance(each.get("pattern"), str)
    }  # fmt: skip

    assert found
    assert [pattern for pattern in found if pattern[:1] != "^" or pattern[-1:] != "$" or "\\Z" in pattern] == []


def test_each_kind_of_object_is_told_by_one_word_of_its_type(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    schemas = document["components"]["schemas"]
    unions = [each for each in _schemas(document) if "discriminator" in each]

    assert len(unions) > 8
    for union in unions:
        for word, place in union["discriminator"]["mapping"].items():
            kind = schemas[place.rpartition("/")[2]]["properties"]["type"]
            assert word in kind.get("enum", ()) or re.search(kind["pattern"], word), place
    assert len(schemas["SendInteractive"]["properties"]["interactive"]["discriminator"]["mapping"]) == 13
    assert schemas["InteractiveButtons"]["properties"]["type"]["enum"] == ["button"]


def test_words_of_answers_may_be_others(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    code = document["components"]["schemas"]["ErrorDetails"]["properties"]["code"]

    assert set(STATUS) < set(code["anyOf"][0]["enum"])
    assert code["anyOf"][1] == {"type": "string"}
    assert "More values may come." in code["description"]


def test_only_what_can_be_null_is_nullable(client: FlaskClient) -> None:
    message = client.get("/openapi.json").get_json()["components"]["schemas"]["NormalizedMessage"]["properties"]

    assert {name for name, shape in message.items() if "null" in json.dumps(shape)} == {
        "sender", "recipient", "message_id", "contact", "context", "referral", "group_id", "error", "pricing",
        "callback_data",
    }  # fmt: skip


def test_files_are_bytes_under_the_media_types_that_meta_has(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    content = document["paths"]["/api/media/{media_id}/content"]["get"]["responses"]["200"]["content"]

    assert content["image/png"]["schema"] == {"type": "string", "format": "binary"}
    assert set(MIME_TYPES) < set(content)


def test_the_document_knows_where_the_service_is(client: FlaskClient, app: Flask, config: Config) -> None:
    document = client.get("/openapi.json", environ_overrides={"SCRIPT_NAME": "/whatsapp"}).get_json()
    app.extensions["gateway"] = Gateway.build(with_settings(config, public_url="https://wa.example.com"), "0")

    assert document["servers"] == [{"url": "http://localhost/whatsapp"}]
    assert client.get("/openapi.json").get_json()["servers"] == [{"url": "https://wa.example.com"}]


def test_an_assistant_reads_a_few_routes_that_fit_in_its_head(client: FlaskClient) -> None:
    answer = client.get("/openapi.assistant.json")
    document = answer.get_json()
    send = document["components"]["schemas"]["BriefMessage"]

    assert len(answer.data) < 50_000
    assert len(list(_described(document))) <= 10
    assert {"to", "message", "template", "buttons"} < set(send["properties"])
    assert send["required"] == ["to"]


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


@pytest.mark.parametrize("name", [name for name in NAMES if name != ITSELF])
def test_whatever_is_asked_the_answer_is_as_described(documents: Documents, asked: Counter[int], name: str) -> None:
    operation = documents.operations[name]

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def ask(case: Any) -> None:
        answer = case.call_and_validate(headers={"Authorization": f"Bearer {API_KEY}"}, checks=CHECKS)
        asked[answer.status_code] += 1

    ask()


def test_a_send_that_succeeds_is_answered_as_described(documents: Documents, client: FlaskClient) -> None:
    body = {"to": "+5491112345678", "message": "Hola", "force": True}

    answer = client.post("/send/whatsapp", json=body, headers={"Authorization": f"Bearer {API_KEY}"})

    assert answer.status_code == 200
    documents.operations["sendMessage"].validate_response(answer)


class Documents:
    """The operations of the first three documents by their names, read once: to read them takes longer than to ask.

    As a WSGI application it is the one of the test that runs.
    """

    def __init__(self) -> None:
        self.operations: dict[str, Any] = {}

    def ask(self, app: Flask) -> None:
        """Ask this application from now on."""
        self._app = app
        if not self.operations:
            for file in FILES[:3]:
                found = schemathesis.openapi.from_wsgi(f"/{file}.json", self).get_all_operations()
                self.operations |= {each.ok().definition.raw["operationId"]: each.ok() for each in found}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self._app(environ, start_response)


def _described(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in {**document["paths"], **document.get("webhooks", {})}.values():
        yield from methods.values()


def _schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of a document."""
    if isinstance(node, dict):
        yield node
        for inner in node.values():
            yield from _schemas(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _schemas(inner)


def _names(node: Any, components: dict[str, Any]) -> set[str]:
    """The schemas that a part of a document refers to, at whatever depth."""
    schemas = components.get("schemas", components)
    found: set[str] = set()
    ahead = [json.dumps(node)]
    while ahead:
        text = ahead.pop()
        for kind, name in re.findall(r"#/components/(schemas|responses)/([\w.-]+)", text):
            if kind == "responses":
                ahead.append(json.dumps(components["responses"][name]).replace("/responses/", "/_/"))
            elif name not in found:
                found.add(name)
                ahead.append(json.dumps(schemas[name]))
    return found


@pytest.fixture
def documents(
    read: Documents, app: Flask, receive: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Documents]:
    """The service, with something in it to list, a Graph that takes everything, and no patience."""
    monkeypatch.setattr(events, "LONGEST_WAIT_SECONDS", 0)
    receive(message_body(text(), text()), b"no notification", status_body(status(wamid())))
    with responses.RequestsMock(assert_all_requests_are_fired=False) as graph:
        graph.add_callback("POST", f"https://graph.example/v26.0/{PNID}/messages", _accept)
        graph.post(re.compile(r"https://graph\.example/v26\.0/\w+/uploads\?.*"), json={"id": "upload:1"})
        nothing = {"error": {"message": "no such object", "code": 100, "error_subcode": 33}}
        for method in ("GET", "POST", "DELETE"):
            graph.add(method, re.compile(r"https://graph\.example/.*"), status=400, json=nothing)
        read.ask(app)
        yield read


@pytest.fixture(scope="module")
def read() -> Documents:
    return Documents()


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

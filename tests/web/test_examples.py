"""Examples of the descriptions: each was asked or answered here, fulfils its schema, and is taken by the gateway."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import jsonschema
import pytest
import responses
from flask.testing import FlaskClient

from app.web.openapi.examples import EXAMPLES, FILE
from tests.conftest import API_KEY, on_sqlite
from tests.factories import ANA, PNID, contact, message_body, text, wamid
from tests.web.examples import ASKED, SENDS, Json, record

pytestmark = on_sqlite
HEADERS = {"Authorization": f"Bearer {API_KEY}"}
OF_BYTES = {"downloadMedia", "openMedia", "openThumbnail", "downloadNotification"}
ABROAD = {"testEndpoint", "eraseContact", "markMessageSent"}
"""Their answers are like others': of an endpoint's app, of a person who is gone, of a message in doubt."""


@pytest.fixture(autouse=True)
def graph() -> Iterator[None]:
    """A Graph that takes everything."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        answer = (200, {}, json.dumps({"messages": [{"id": wamid()}], "success": True}))
        mock.add_callback("POST", f"https://graph.example/v26.0/{PNID}/messages", lambda _: answer)
        mock.get(re.compile("https://graph.example/.*"), json={"id": PNID})
        yield


@pytest.fixture
def document(client: FlaskClient) -> Json:
    found: Json = client.get("/openapi.json").get_json()
    return found


def test_every_answer_has_an_example_and_is_what_is_answered_now(
    client: FlaskClient, receive: Callable[..., None]
) -> None:
    answers: dict[str, dict[str, Json]] = {}
    image = _now("") | {"type": "image", "image": {"id": "1166846181421424", "mime_type": "image/jpeg"}}
    receive(message_body(image, _now("Hola, necesito ayuda"), _now("¿Hola?"), contacts=[contact()]))

    def ask(name: str, method: str, path: str, body: Json | None) -> Json:
        sent: Json = {"json": body}
        if body is not None and "file" in body:
            sent = {"data": body | {"file": (BytesIO(body["file"].encode()), "file")}}
        answer = client.open(path.replace("+", "%2B"), method=method, headers=HEADERS, **sent)
        assert answer.status_code < 300, (name, answer.get_data(as_text=True))
        found: Json = answer.get_json()
        answers.setdefault(name, {}).setdefault(str(answer.status_code), found)
        if name == "addEndpoint":
            receive(message_body(_now("Buenas")))
        return found

    record(ask)

    if os.environ.get("RECORD_EXAMPLES"):
        _write(client, answers)
        return
    assert answers.keys() == EXAMPLES["answers"].keys()
    for name, by_status in answers.items():
        for status, answer in by_status.items():
            (example,) = EXAMPLES["answers"][name][status].values()
            assert answer.keys() == example.keys(), name


def test_every_operation_has_examples(document: Json) -> None:
    for methods in document["paths"].values():
        for operation in methods.values():
            body = operation.get("requestBody", {}).get("content", {}).values()
            assert all(each.get("examples") for each in body), operation["operationId"]
            known = EXAMPLES["answers"].keys() | OF_BYTES | ABROAD
            assert operation["operationId"] in known


def test_the_examples_of_bodies_are_what_the_tests_ask(database_url: str) -> None:
    assert EXAMPLES["bodies"] == ASKED, "run: RECORD_EXAMPLES=1 .venv/bin/pytest tests/web/test_examples.py"


def test_every_example_fulfils_its_schema(document: Json) -> None:
    held = 0
    for methods in document["paths"].values():
        for operation in methods.values():
            parts = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (each for part in parts for each in part.get("content", {}).values()):
                for name, example in content.get("examples", {}).items():
                    schema = {**content["schema"], "components": document["components"]}
                    found = [error.message for error in _validator(schema).iter_errors(example["value"])]
                    assert found == [], (operation["operationId"], name)
                    held += 1
    for status, error in EXAMPLES["errors"].items():
        schema = {"$ref": "#/components/schemas/ErrorAnswer", "components": document["components"]}
        assert list(_validator(schema).iter_errors(error)) == [], status

    assert held > 80


@pytest.mark.parametrize("name", SENDS)
def test_every_example_of_a_send_is_taken(client: FlaskClient, name: str) -> None:
    answer = client.post("/send/whatsapp", json=SENDS[name] | {"force": True}, headers=HEADERS)

    assert answer.status_code in (200, 202), answer.get_data(as_text=True)


def _now(words: str) -> Json:
    return text(words, sender=ANA, timestamp=int(time.time()))


def _validator(schema: Json) -> Any:
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def _write(client: FlaskClient, answers: dict[str, dict[str, Json]]) -> None:
    """Put what was asked and answered into the file."""
    refused = {
        "401": client.get("/api/messages"),
        "404": client.get("/api/messages/nobody", headers=HEADERS),
        "422": client.post("/send/whatsapp", json={"to": "+1", "mesage": "Hola"}, headers=HEADERS),
        "415": client.post("/send/whatsapp", data="Hola", headers=HEADERS),
        "400": client.post("/send/whatsapp", data="Hola", headers=HEADERS, content_type="application/json"),
    }
    graph = f"/graph/v26.0/{PNID}/messages"
    theirs = {"401": client.post(graph, json={}), "400": client.post(graph, json={"to": "+1"}, headers=HEADERS)}
    assert all(str(answer.status_code) == status for status, answer in (refused | theirs).items())
    (received,) = [each for each in answers["listEvents"]["200"]["data"] if each["type"] == "message.received"][:1]
    examples = {
        "bodies": ASKED,
        "answers": {
            name: {status: {"answer": answer} for status, answer in found.items()} for name, found in answers.items()
        },
        "errors": {status: answer.get_json() for status, answer in refused.items()},
        "graph_errors": {status: answer.get_json() for status, answer in theirs.items()},
        "webhooks": {"receiveEvent": {"a message": received}, "receiveEvents": {"one": {"events": [received]}}},
    }
    FILE.write_text(json.dumps(examples, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

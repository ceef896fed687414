"""What is wrong with a body is said once, all of it, in one style, where it stands, and in bounds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from marshmallow import Schema, ValidationError, fields

from app.clock import utc_now
from app.schemas.api.query import Query
from app.schemas.json_text import MOST_VALUES
from app.schemas.send import SendMessageRequest
from app.schemas.send.base import Variant, flatten
from app.schemas.send.kinds import SEND
from app.web.openapi.operations import operations
from tests.conftest import API_KEY, on_sqlite
from tests.factories import ANA, PNID, message_body, text

HEADERS = {"Authorization": f"Bearer {API_KEY}"}
STYLE = re.compile(r"(is|was|must|needs|goes|does|names|differs|cannot|holds|write) [^\n]*[^.]")

pytestmark = on_sqlite


def _schemas(app: Flask) -> list[Schema]:
    asked = [each for operation in operations(app).values() if not operation.is_graphs
             for each in (operation.body, operation.query) if isinstance(each, type)]  # fmt: skip
    return [schema() for schema in dict.fromkeys([*asked, SendMessageRequest, *SEND.others, *SEND.kinds.values()])]


def _fields(schema: Schema, seen: set[type]) -> Iterator[fields.Field[Any]]:
    if type(schema) in seen:
        return
    seen.add(type(schema))
    waiting = list(schema.fields.values())
    while waiting:
        field = waiting.pop()
        yield field
        waiting += [each for each in (getattr(field, "inner", None),) if each is not None]
        inner = [field.schema] if isinstance(field, fields.Nested) else []
        if isinstance(field, Variant):
            inner = [shape() for shape in field.shapes.values()]
        for each in inner:
            assert isinstance(each, Schema)
            yield from _fields(each, seen)


def test_every_problem_of_every_schema_is_said_in_one_style(app: Flask) -> None:
    said: set[str] = set()
    for schema in _schemas(app):
        for field in _fields(schema, set()):
            for value in (None, 7, 7.5, True, "x", "", "x" * 5000, [], [1], {}, {"x": 1}, "2020-01-01", -1, 1e9):
                if isinstance(schema, Query) and not isinstance(value, str):
                    continue
                try:
                    field.deserialize(value)
                except ValidationError as error:
                    said.update(text for texts in flatten(error.messages).values() for text in texts)
        for body in ({}, {"x": 1}, {"to": 1, "type": "text", "text": {"bdy": "x"}}):
            try:
                schema.load(body)
            except ValidationError as error:
                said.update(text for texts in flatten(error.messages).values() for text in texts)

    assert len(said) > 40
    assert [text for text in sorted(said) if not STYLE.fullmatch(text)] == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The body is empty; send a JSON object."),
        (b"hello", "The body is not JSON: expecting value, at line 1, column 1."),
        (b'{"to": "+549",\n "message": "a" "b"}', "not JSON: expecting ',' delimiter, at line 2, column 17."),
        (b'{"to":"\xe9"}', "The body is not UTF-8: see line 1, byte 8."),
        (b'{\n"to":"a","message":"\xff"}', "The body is not UTF-8: see line 2, byte 21."),
        (b'{"a":NaN}', "The body holds NaN, which JSON does not have."),
        (b'{"a":1e999}', "The body holds a number that is too large."),
        (b'{"a":"\\u0000"}', "The body holds the character NUL."),
        (b'{"a":"\\ud800"}', "The body holds half of a surrogate pair"),
        (b"[" * 5000, "nests deeper than 100"),
        (b"[" * 150 + b"]" * 150, "nests deeper than 100"),
        (b"[1]", "The body is not a JSON object."),
    ],
)
def test_a_body_that_is_no_json_object_is_told_what_it_is_and_where(
    client: FlaskClient, body: bytes, message: str
) -> None:
    answer = client.post("/send/whatsapp", data=body, headers=HEADERS, content_type="application/json")

    assert answer.status_code == 400
    assert message in answer.get_json()["error"]["message"]


def test_answers_are_utf8_as_people_read_it(client: FlaskClient, receive: Any) -> None:
    receive(message_body(text("¿Dónde está?")))

    for path in ("/api/messages", "/api/events?after=0"):
        assert "¿Dónde está?".encode() in client.get(path, headers=HEADERS).data


def test_a_wrong_key_is_told_from_none(client: FlaskClient) -> None:
    none = client.get("/api/messages").get_json()["error"]["message"]
    wrong = client.get("/api/messages", headers={"Authorization": "Bearer wsk_wrong"}).get_json()["error"]["message"]

    assert "Send an API key" in none
    assert "unknown, or was revoked" in wrong


def test_all_that_is_wrong_is_told_at_once_also_inside_lists(client: FlaskClient) -> None:
    buttons = [{"type": "reply", "reply": {"id": "a", "titel": "A"}},
               {"type": "reply", "reply": {"id": "a", "title": ""}},
               {"type": "replay", "reply": {"id": "b", "title": "x" * 50}}]  # fmt: skip
    body = {
        "to": "nobody", "type": "interactive", "priority": "urgent", "send_at": "soon", "mode": "sync", "colour": 1,
        "interactive": {"type": "button", "body": {"text": ""}, "action": {"buttons": buttons}},
    }  # fmt: skip

    found = client.post("/send/whatsapp", json=body, headers=HEADERS).get_json()["error"]["fields"]

    assert {"to", "priority", "send_at", "colour", "interactive.action.buttons.0.reply.titel",
            "interactive.action.buttons.1.reply.title", "interactive.action.buttons.2.type",
            "interactive.action.buttons.2.reply.title", "interactive.action.buttons"} <= set(found)  # fmt: skip
    assert "" not in found
    assert found["interactive.action.buttons.0.reply.titel"] == ["is not a field here; did you mean `title`?"]
    assert all(STYLE.fullmatch(text) for texts in found.values() for text in texts), found


def test_a_time_beyond_the_window_is_named_with_the_windows_end(client: FlaskClient, receive: Any) -> None:
    now = utc_now()
    receive(message_body(text(timestamp=int(now.timestamp()))))

    def send(hours: float) -> Any:
        at = (now + timedelta(hours=hours)).isoformat()
        body = {"to": f"+{ANA}", "message": "Hola", "send_at": at, "phone_number_id": PNID}
        return client.post("/send/whatsapp", json=body, headers=HEADERS).get_json()

    beyond, past = send(30), send(-1)
    closes = (now.replace(microsecond=0) + timedelta(hours=24, minutes=5)).isoformat()
    assert list(beyond["error"]["fields"]) == ["send_at"]
    assert "window closes, at " in beyond["error"]["fields"]["send_at"][0]
    assert closes in beyond["error"]["fields"]["send_at"][0]
    assert past["status"] == "queued"
    assert past["warnings"] == ["send_at: is in the past; it is sent as soon as its turn comes"]


def test_an_answer_is_no_longer_for_more_mistakes_than_anybody_reads(client: FlaskClient) -> None:
    row = {f"field_{n}_{'x' * 300}": 1 for n in range(300)}
    alone = client.post("/send/whatsapp", json=row, headers=HEADERS)
    many = client.post("/api/messages/bulk", json={"messages": [row] * 60}, headers=HEADERS)

    error = alone.get_json()["error"]
    assert len(error["fields"]) == 50
    assert re.search(r"Some fields are not valid\. 25\d more are not shown\.", error["message"])
    assert all(len(path) < 250 for path in error["fields"])
    rows = [each["error"] for each in many.get_json()["data"]]
    assert sum(len(each.get("fields", {})) for each in rows) == 500
    assert "50 problems are not shown" in rows[-1]["message"]
    assert len(many.data) < 250_000


def test_what_costs_more_memory_than_bytes_is_refused_unread(client: FlaskClient) -> None:
    body = b'{"messages":[' + b"[]," * (MOST_VALUES // 2) + b"[]]}"

    answer = client.post("/api/messages/bulk", data=body, headers=HEADERS, content_type="application/json")

    assert answer.status_code == 413
    assert "values" in answer.get_json()["error"]["message"]
    assert json.loads(answer.data)["error"]["code"] == "too_large"

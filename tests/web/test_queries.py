"""Query strings: what a route takes is declared, and everything else is refused with the remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.schemas.api.query import Query
from app.web.openapi.operations import operations
from tests.conftest import API_KEY, one_case_on_postgresql
from tests.factories import BO, SENT_AT, message_body, text

pytestmark = one_case_on_postgresql

HEADERS = {"Authorization": f"Bearer {API_KEY}"}

Receive = Callable[..., None]


def _routes(app: Flask) -> list[tuple[Rule, str]]:
    """Every route that asks for a key, but for Graph's, with each of its methods."""
    scopes = app.extensions["gateway.access"]
    found = []
    for rule in app.url_map.iter_rules():
        operation = operations(app).get(rule.endpoint)
        if operation is None or operation.is_graphs:
            continue
        if operation.scope or scopes[rule.endpoint.partition(".")[0]]:
            found += [(rule, method) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}]
    return found


def test_no_route_takes_a_parameter_that_it_does_not_declare(app: Flask, client: FlaskClient) -> None:
    asked = 0
    for rule, method in _routes(app):
        path = app.url_map.bind("x").build(rule.endpoint, dict.fromkeys(rule.arguments, "1"), method)
        response = client.open(path, method=method, query_string={"no_such_thing": "1"}, headers=HEADERS)
        assert response.status_code == 422, (rule.rule, method)
        assert list(response.get_json()["error"]["fields"]) == ["no_such_thing"], rule.rule
        asked += 1

    assert asked > 40


def test_every_query_is_strict_and_stands_in_the_description_with_all_its_parameters(
    app: Flask, client: FlaskClient
) -> None:
    documents = [client.get(f"/openapi{file}.json").get_json() for file in ("", ".service")]
    described = {
        operation["operationId"]: {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        for document in documents
        for path in document["paths"].values()
        for operation in path.values()
    }

    for rule, _method in _routes(app):
        operation = operations(app)[rule.endpoint]
        query = operation.query or Query
        assert issubclass(query, Query), rule.rule
        assert described[operation.name] == set(query().fields), rule.rule


@pytest.mark.parametrize(
    ("path", "name", "words"),
    [
        ("messages?statuss=failed", "statuss", "is not a parameter here; did you mean `status`?"),
        ("messages?direction=in", "direction", "must be inbound or outbound; did you mean `inbound`?"),
        ("messages?status=recieved", "status", "is not known; did you mean `received`?; `unknown:NAME`"),
        ("messages?type=txt", "type", "did you mean `text`?"),
        ("messages?contact=nobody", "contact", "must be a contact's id, a phone number"),
        ("messages?contact=", "contact", "is empty; leave it out, or give a value"),
        ("messages?limit=0", "limit", "must be a whole number from 1 to 500"),
        ("messages?limit=1&limit=2", "limit", "is given more than once"),
        ("messages?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "since", "must be before `until`"),
        ("messages?since=yesterday", "since", "must be a time with its offset, as 2026-01-31T12:00:00Z"),
        ("messages?phone_number_id=%2B54911", "phone_number_id", "must be Meta's id of the number"),
        ("messages?q=%2F", "q", "must hold a word to look for"),
        ("events?wait=5", "wait", "goes with `after`"),
        ("events?after=0&wait=26", "wait", "must be a whole number from 0 to 25"),
        ("events?after=0&cursor=MQ", "cursor", "does not go with `after`"),
        ("events?after=soon", "after", "must be a `next_cursor` as it came"),
        ("events?type=message.recieved", "type", "did you mean `message.received`?"),
        ("stats?days=3", "days", "is not a parameter here; known: since, until, phone_number_id"),
        ("stats?since=2030-01-01T00:00:00Z", "since", "must be before `until`"),
        ("deliveries?state=failed", "state", "must be one of pending, delivered, dead, stale, withheld"),
        ("notifications?state=park", "state", "did you mean `parked`?"),
        ("alerts?state=opened", "state", "did you mean `open`?"),
        ("contacts/1?x=1", "x", "is not a parameter here; remove it"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(client: FlaskClient, path: str, name: str, words: str) -> None:
    response = client.get(f"/api/{path}", headers=HEADERS)

    assert response.status_code == 422
    assert words in response.get_json()["error"]["fields"][name][0]


def test_all_that_is_wrong_is_told_at_once(client: FlaskClient) -> None:
    response = client.get("/api/messages?statuss=x&limit=x&since=x&status=&type=a&type=b", headers=HEADERS)

    assert set(response.get_json()["error"]["fields"]) == {"statuss", "limit", "since", "status", "type"}


def test_a_key_is_asked_for_before_the_query_is_read(client: FlaskClient) -> None:
    assert client.get("/api/messages?statuss=x").status_code == 401


@pytest.mark.parametrize(
    "query",
    [f"contact=+{BO}", f"contact=%2B{BO}", f"contact={BO}",
     "since=2021-09-30T18:00:00+00:00&until=2021-09-30T18:00:01+00:00", "type=unknown:text", "cursor="],
)  # fmt: skip
def test_a_plus_that_arrived_as_a_space_is_one(receive: Receive, client: FlaskClient, query: str) -> None:
    receive(message_body(text("b", sender=BO, timestamp=SENT_AT)))

    found: list[Any] = client.get(f"/api/messages?{query}", headers=HEADERS).get_json()["data"]

    assert [row["message"] for row in found] == ["b"]


def test_a_contact_is_found_by_either_form_of_its_number(receive: Receive, client: FlaskClient) -> None:
    receive(message_body(text("a", sender="5491112345678")))

    for written in ("5491112345678", "+54 9 11 1234-5678", "541112345678", "%2B54 (11) 1234-5678"):
        found = client.get(f"/api/messages?contact={written}", headers=HEADERS).get_json()["data"]
        assert [row["message"] for row in found] == ["a"], written

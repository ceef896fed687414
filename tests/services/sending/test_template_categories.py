"""Templates to people who want no marketing: which ones go, and how that is found out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import responses
from flask.testing import FlaskClient
from sqlalchemy import select

from app.container import Gateway
from app.db.database import Database
from app.domain.outbound import OutboundRequest
from app.errors import OptedOut
from app.models import Message
from app.services.sending import template_categories
from app.store import queue
from tests import factories
from tests.conftest import API_KEY, on_sqlite

Json = dict[str, Any]
Send = Callable[..., Any]
TEMPLATES = [
    {"name": "invoice", "language": "es", "category": "UTILITY"},
    {"name": "invoice", "language": "en", "category": "MARKETING"},
    {"name": "code", "language": "es", "category": "AUTHENTICATION"},
    {"name": "sale", "language": "es", "category": "MARKETING"},
    {"name": "sale_of_invoices", "language": "es", "category": "UTILITY"},
    {"name": "new_kind", "language": "es", "category": "COMMERCE"},
]


@on_sqlite
@pytest.mark.parametrize(
    ("name", "language", "status"),
    [
        ("invoice", "es", 200),
        ("code", "es", 200),
        ("sale_of_invoices", "es", 200),
        ("invoice", "en", 422),
        ("invoice", "pt_BR", 422),
        ("sale", "es", 422),
        ("new_kind", "es", 422),
        ("unheard_of", "es", 422),
    ],
)
def test_only_what_is_no_marketing_goes_to_who_wants_none(
    send: Send, opted_out: None, graph: responses.RequestsMock, name: str, language: str, status: int
) -> None:
    answer = send(_template(name, language))

    assert answer.status_code == status
    if status == 422:
        error = answer.get_json()["error"]
        assert (error["code"], error["meta"]["how"]) == ("opted_out", "preference")
        assert _sent(graph) == []


@on_sqlite
def test_meta_is_asked_once_in_an_hour(
    gateway: Gateway, send: Send, opted_out: None, graph: responses.RequestsMock, moment: list[float]
) -> None:
    statuses = [send(_template(name)).status_code for name in ("invoice", "invoice", "sale", "invoice")]

    assert statuses == [200, 200, 422, 200]
    assert [each.params["name"] for each in _asked(graph)] == ["invoice", "sale"]
    moment[0] += template_categories.CACHE_SECONDS + 1
    assert send(_template("invoice")).status_code == 200
    assert len(_asked(graph)) == 3


@on_sqlite
def test_of_everybody_else_meta_is_not_asked(
    send: Send, receive: Callable[..., None], graph: responses.RequestsMock
) -> None:
    receive(factories.message_body(factories.text(timestamp=int(time.time()))))

    assert send(_template("sale")).status_code == 200
    assert _asked(graph) == []


@on_sqlite
@pytest.mark.parametrize(
    "trouble",
    [
        {"body": requests.ConnectionError()},
        {"status": 400, "json": {"error": {"code": 80007, "message": "too many calls"}}},
        {"status": 403, "json": {"error": {"code": 200, "message": "no permission"}}},
        {"body": "<html>"},
    ],
)
def test_when_meta_does_not_say_the_caller_must_decide(
    send: Send, opted_out: None, graph: responses.RequestsMock, moment: list[float], trouble: Json
) -> None:
    graph.replace("GET", _templates_url(), **trouble)

    answers = [send(_template("invoice")) for _ in range(3)]

    assert {answer.status_code for answer in answers} == {422}
    error = answers[0].get_json()["error"]
    assert error["code"] == "opted_out"
    assert "could not be asked" in error["message"] and "force" in error["message"]
    assert len(_asked(graph)) == 1
    assert send({**_template("invoice"), "force": True}).status_code == 200
    graph.replace("GET", _templates_url(), json={"data": TEMPLATES})
    moment[0] += template_categories.RETRY_SECONDS + 1
    assert send(_template("invoice")).status_code == 200


@pytest.mark.parametrize("answer", [None, [], {}, {"data": None}, {"data": [7, {"name": 1}, {"name": "invoice"}]}])
@on_sqlite
def test_an_answer_of_odd_shape_clears_nothing(
    send: Send, opted_out: None, graph: responses.RequestsMock, answer: Any
) -> None:
    graph.replace("GET", _templates_url(), json=answer)

    assert send(_template("invoice")).status_code == 422


@on_sqlite
@pytest.mark.parametrize("content", [{}, {"name": 7}, {"name": ["a"], "language": {"code": []}}, []])
def test_a_raw_template_of_odd_shape_is_refused(send: Send, opted_out: None, content: Any) -> None:
    answer = send({"type": "template", "template": content, "raw": True})

    assert answer.status_code in (400, 422)


def test_a_campaign_leaves_out_who_wants_none_unless_it_is_no_marketing(
    client: FlaskClient, opted_out: None, database: Database, graph: responses.RequestsMock
) -> None:
    bodies = [_template("sale"), _template("invoice"), {"message": "Hola"}, _template("code"), {}]
    items = [{"to": f"+{factories.ANA}", **body} for body in bodies]
    items.append({"to": f"+{factories.BO}", **_template("sale")})

    answer = client.post("/api/messages/bulk", json={"messages": items}, headers=_HEADERS)

    results = answer.get_json()["data"]
    codes = [(each.get("error") or {}).get("code") for each in results]
    assert codes == ["opted_out", None, "opted_out", None, "invalid_request", None]
    with database.read() as session:
        queued = session.scalars(select(Message.id).where(Message.direction == "outbound")).all()
    assert sorted(queued) == sorted(each["id"] for each in results if not each.get("error"))
    assert len(_asked(graph)) == 3


@on_sqlite
def test_a_failed_one_is_tried_again_if_it_is_no_marketing(
    client: FlaskClient, database: Database, receive: Callable[..., None], graph: responses.RequestsMock
) -> None:
    ids = _fail(client, database, [_template("sale"), _template("invoice")])
    _opt_out(receive)

    answers = [client.post(f"/api/messages/{each}/retry", headers=_HEADERS) for each in ids]

    assert [answer.status_code for answer in answers] == [422, 202]
    assert _statuses(database, ids) == ["failed", "queued"]


@on_sqlite
def test_so_are_those_of_a_batch(
    client: FlaskClient, database: Database, receive: Callable[..., None], graph: responses.RequestsMock
) -> None:
    ids = _fail(client, database, [_template("sale"), _template("invoice"), {"message": "Hola"}])
    _opt_out(receive)
    with database.read() as session:
        batch_id = session.scalars(select(Message.batch_id).where(Message.id == ids[0])).one()

    answer = client.post(f"/api/batches/{batch_id}/retry-failed", headers=_HEADERS)

    assert answer.status_code == 200
    assert _statuses(database, ids) == ["failed", "queued", "failed"]


@on_sqlite
def test_names_that_callers_make_up_fill_no_memory(
    gateway: Gateway, send: Send, opted_out: None, graph: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(template_categories, "MAX_CACHED", 3)

    for number in range(7):
        send(_template(f"made_up_{number}"))

    assert len(gateway.send._categories._cache) <= 3


@on_sqlite
def test_without_its_business_account_nothing_is_cleared(gateway: Gateway, graph: responses.RequestsMock) -> None:
    request = OutboundRequest("template", _template("invoice")["template"], to=f"+{factories.ANA}")

    with pytest.raises(OptedOut):
        gateway.send._categories.clear(request, "no number of ours", OptedOut())
    assert _asked(graph) == []


_HEADERS = {"Authorization": f"Bearer {API_KEY}"}


def _template(name: str, language: str = "es") -> Json:
    return {"type": "template", "template": {"name": name, "language": {"code": language}}}


def _templates_url() -> str:
    return f"https://graph.example/v26.0/{factories.WABA}/message_templates"


def _asked(graph: responses.RequestsMock) -> list[Any]:
    return [call.request for call in graph.calls if call.request.method == "GET"]


def _sent(graph: responses.RequestsMock) -> list[Json]:
    return [json.loads(call.request.body or "") for call in graph.calls if call.request.method == "POST"]


def _opt_out(receive: Callable[..., None]) -> None:
    now = int(time.time())
    wish = {"wa_id": factories.ANA, "category": "marketing_messages", "value": "stop", "timestamp": now}
    receive(factories.message_body(factories.text(timestamp=now)))
    receive(factories.notification(factories.change(field="user_preferences", user_preferences=[wish])))


def _fail(client: FlaskClient, database: Database, bodies: list[Json]) -> list[str]:
    """Queue messages as a batch, and let them have failed."""
    items = [{"to": f"+{factories.ANA}", **body} for body in bodies]
    results = client.post("/api/messages/bulk", json={"messages": items}, headers=_HEADERS).get_json()["data"]
    ids = [each["id"] for each in results]
    with database.write() as session:
        for row in session.scalars(select(Message).where(Message.id.in_(ids))):
            row.status = "failed"
        queue.remove(session, ids)
    return ids


def _statuses(database: Database, ids: list[str]) -> list[str]:
    with database.read() as session:
        found = {row.id: row.status for row in session.scalars(select(Message).where(Message.id.in_(ids)))}
    return [found[each] for each in ids]


@pytest.fixture
def send(client: FlaskClient) -> Send:
    return lambda body: client.post("/send/whatsapp", json={"to": f"+{factories.ANA}", **body}, headers=_HEADERS)


@pytest.fixture
def opted_out(receive: Callable[..., None]) -> None:
    _opt_out(receive)


@pytest.fixture
def moment(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time by which what Meta told grows old."""
    now = [1000.0]
    monkeypatch.setattr(gateway.send._categories, "_monotonic", lambda: now[0])
    return now


@pytest.fixture
def graph(gateway: Gateway) -> Iterator[responses.RequestsMock]:
    """Graph, with an account's templates, which takes every message."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(f"https://graph.example/v26.0/{factories.PNID}/messages", json={"messages": [{"id": "wamid.sent"}]})
        mock.get(_templates_url(), json={"data": TEMPLATES})
        yield mock

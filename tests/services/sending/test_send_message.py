from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import responses
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.container import Gateway
from app.db.database import Database
from app.domain import tags
from app.errors import Unavailable
from app.models import Base, Message, SendAttempt
from app.services.contacts.send_rules import NEVER_WROTE
from app.store import numbers
from tests.conftest import ACCESS_TOKEN, API_KEY, Clock, on_sqlite, one_case_on_postgresql
from tests.factories import ANA, OTHER_PNID, OTHER_WABA, PNID, echo, echo_body, message_body, status, status_body, text

pytestmark = one_case_on_postgresql

URL = f"https://graph.example/v26.0/{PNID}/messages"
OTHER_URL = f"https://graph.example/v26.0/{OTHER_PNID}/messages"
ACCEPTED = {"messaging_product": "whatsapp", "messages": [{"id": "wamid.SENT"}]}
SHORT = {"to": f"+{ANA}", "message": "Hola"}

Send = Callable[..., TestResponse]


def test_an_accepted_message_is_answered_with_both_ids(
    send: Send, graph: responses.RequestsMock, database: Database
) -> None:
    graph.post(URL, json=ACCEPTED)

    response = send(SHORT)

    assert response.status_code == 200
    body = response.get_json()
    message = only(database, Message)
    assert body == {
        "success": True, "message_id": "wamid.SENT", "id": message.id, "status": "accepted", "warnings": [NEVER_WROTE],
    }  # fmt: skip
    assert (message.status, message.wamid, message.direction) == ("accepted", "wamid.SENT", "outbound")
    attempt = only(database, SendAttempt)
    assert (attempt.state, attempt.wamid, attempt.number) == ("accepted", "wamid.SENT", 1)


@on_sqlite
def test_our_tag_goes_to_meta_and_the_callers_stays_here(
    send: Send, graph: responses.RequestsMock, database: Database, get: Callable[..., Any]
) -> None:
    graph.post(URL, json=ACCEPTED)

    id_ = send(SHORT | {"callback_data": "order-77"}).get_json()["id"]

    payload, headers = sent(graph)
    assert payload["biz_opaque_callback_data"] == tags.make(id_, 1)
    assert headers["Authorization"] == f"Bearer {ACCESS_TOKEN}"
    assert "order-77" not in json.dumps(payload)
    assert get(f"/api/messages/{id_}")["callback_data"] == "order-77"


def test_a_refused_message_is_kept_as_failed(send: Send, graph: responses.RequestsMock, database: Database) -> None:
    error = {"code": 131047, "message": "Re-engagement", "error_data": {"details": "24 hours"}, "fbtrace_id": "Ab"}
    graph.post(URL, status=400, json={"error": error})

    response = send(SHORT)

    assert response.status_code == 422
    body = response.get_json()
    message = only(database, Message)
    assert (body["success"], body["id"]) == (False, message.id)
    assert (body["error"]["code"], body["error"]["retryable"]) == ("refused", False)
    assert body["error"]["meta"]["code"] == 131047
    assert (message.status, message.error and message.error["code"]) == ("failed", 131047)
    assert only(database, SendAttempt).state == "refused"


@pytest.mark.parametrize(
    ("answer", "status_code", "code"),
    [
        ({"status": 429, "json": {"error": {"code": 130429}}, "headers": {"Retry-After": "7"}}, 429, "throttled"),
        ({"status": 400, "json": {"error": {"code": 131056}}}, 429, "throttled"),
        ({"status": 400, "json": {"error": {"code": 131057}}}, 503, "unavailable"),
    ],
)
def test_what_was_certainly_not_sent_leaves_no_row(
    send: Send, graph: responses.RequestsMock, database: Database, answer: Any, status_code: int, code: str
) -> None:
    graph.post(URL, **answer)

    response = send(SHORT)

    assert (response.status_code, response.get_json()["error"]["code"]) == (status_code, code)
    assert response.get_json()["error"]["retryable"] is True
    assert int(response.headers["Retry-After"]) > 0
    assert "id" not in response.get_json()
    assert all_rows(database, Message) == all_rows(database, SendAttempt) == []


AMBIGUOUS: dict[str, dict[str, Any]] = {
    "timeout": {"body": requests.ReadTimeout()},
    "reset": {"body": requests.ConnectionError("Connection reset by peer")},
    "500": {"status": 500, "json": {"error": {"code": 131000}}},
    "502 of a proxy": {"status": 502, "body": "<html>"},
    "200 without id": {"status": 200, "json": {"messages": []}},
    "200 that is no JSON": {"status": 200, "body": "ok"},
}


@pytest.mark.parametrize("answer", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_whatever_may_have_gone_out_is_unknown(
    send: Send, graph: responses.RequestsMock, database: Database, answer: dict[str, Any]
) -> None:
    graph.post(URL, **answer)

    response = send(SHORT)

    message = only(database, Message)
    assert response.status_code == 202
    assert response.get_json() == {
        "success": True, "message_id": None, "id": message.id, "status": "unknown", "warnings": [NEVER_WROTE],
    }  # fmt: skip
    assert (message.status, only(database, SendAttempt).state) == ("unknown", "unknown")


@on_sqlite
def test_a_bad_token_is_a_502_and_kept(send: Send, graph: responses.RequestsMock, database: Database) -> None:
    graph.post(URL, status=401, json={"error": {"code": 190}})

    response = send(SHORT)

    assert (response.status_code, response.get_json()["error"]["code"]) == (502, "meta_unauthorised")
    assert only(database, Message).status == "failed"


@pytest.mark.parametrize("answer", [{"json": ACCEPTED}, AMBIGUOUS["timeout"]], ids=["accepted", "unknown"])
@on_sqlite
def test_what_left_is_never_answered_with_come_again(
    send: Send,
    graph: responses.RequestsMock,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    answer: dict[str, Any],
) -> None:
    write = database.write

    def away_once_it_is_recorded() -> Any:
        with database.read() as session:
            if session.scalar(select(Message.id)) is not None:
                raise Unavailable
        return write()

    monkeypatch.setattr(database, "write", away_once_it_is_recorded)
    graph.post(URL, **answer)

    response = send(SHORT)

    # Told to come again, the caller would send the message twice.
    assert response.status_code in (200, 202)


def test_a_try_that_lost_its_process_becomes_unknown(
    gateway: Gateway, graph: responses.RequestsMock, send: Send, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    clock.now = datetime.now(UTC)
    monkeypatch.setattr(gateway.send, "_now", clock)
    monkeypatch.setattr(gateway.sweep_sends, "_now", clock)

    def die(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        raise KeyboardInterrupt

    graph.add_callback(responses.POST, URL, die)
    with pytest.raises(KeyboardInterrupt):
        send(SHORT)

    assert gateway.sweep_sends.reap_orphans() == 0
    clock.pass_by(seconds=gateway.config.graph_timeout_seconds + 31)

    assert gateway.sweep_sends.reap_orphans() == 1
    assert (only(database, Message).status, only(database, SendAttempt).state) == ("unknown", "unknown")
    assert gateway.sweep_sends.reap_orphans() == 0
    clock.pass_by(seconds=601)
    assert gateway.sweep_sends.resolve_unknown() == 1
    assert only(database, Message).status == "held"


def test_a_report_that_overtakes_graphs_answer_is_not_lost(
    send: Send, graph: responses.RequestsMock, database: Database, receive: Callable[..., None]
) -> None:
    def report_first(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        receive(status_body(status("wamid.SENT", "delivered", pricing={"billable": False})))
        return 200, {}, json.dumps(ACCEPTED)

    graph.add_callback(responses.POST, URL, report_first)

    send(SHORT)

    message = only(database, Message)
    assert (message.status, message.pricing) == ("delivered", {"billable": False})


@on_sqlite
@pytest.mark.parametrize("by", ["id", "wamid"])
def test_an_answer_quotes_by_our_id_or_metas(
    send: Send, graph: responses.RequestsMock, receive: Callable[..., None], get: Callable[..., Any], by: str
) -> None:
    receive(message_body(text(id="wamid.Q/+=")))
    (question,) = get("/api/messages")["data"]
    graph.post(URL, json=ACCEPTED)

    answer = send(SHORT | {"force": True, "reply_to": question["id"] if by == "id" else "wamid.Q/+="}).get_json()

    assert sent(graph)[0]["context"] == {"message_id": "wamid.Q/+="}
    context = get(f"/api/messages/{answer['id']}")["context"]
    assert (context["id"], context["message_id"]) == (question["id"], "wamid.Q/+=")


@on_sqlite
@pytest.mark.parametrize("reply_to", ["nothing", "0" * 36, "\x00", "' OR 1=1"])
def test_an_answer_to_nothing_is_refused_before_anything_is_kept(
    send: Send, database: Database, reply_to: str
) -> None:
    response = send(SHORT | {"reply_to": reply_to})

    assert response.status_code in (400, 422)
    assert all_rows(database, Message) == []


@on_sqlite
def test_with_several_numbers_the_caller_must_choose(
    send: Send, graph: responses.RequestsMock, gateway: Gateway, second_number: None
) -> None:
    graph.post(OTHER_URL, json=ACCEPTED)

    unsaid, chosen = send(SHORT), send(SHORT | {"phone_number_id": OTHER_PNID})
    strange = send(SHORT | {"phone_number_id": "123"})

    assert (unsaid.status_code, list(unsaid.get_json()["error"]["fields"])) == (422, ["phone_number_id"])
    assert chosen.status_code == 200
    assert sent(graph)[1]["Authorization"] == "Bearer EAAother"
    assert strange.status_code == 404


@on_sqlite
def test_a_bounded_key_uses_its_own_number_and_no_other(
    send: Send,
    graph: responses.RequestsMock,
    gateway: Gateway,
    second_number: None,
    receive: Callable[..., None],
    get: Callable[..., Any],
) -> None:
    key = gateway.api_keys.make("bounded", ["send"], [OTHER_PNID])
    receive(message_body(text(id="wamid.OURS")))
    graph.post(OTHER_URL, json=ACCEPTED)

    (ours,) = get("/api/messages")["data"]

    assert send(SHORT | {"phone_number_id": PNID}, key).status_code == 404
    assert send(SHORT | {"reply_to": ours["id"]}, key).status_code == 422
    answer = send(SHORT | {"reply_to": "wamid.OURS"}, key).get_json()
    # The wamid goes to Meta like any that we do not know, and what it is called here stays untold.
    assert get(f"/api/messages/{answer['id']}")["context"] == {"id": None, "message_id": "wamid.OURS"}


def test_no_row_holds_the_token(send: Send, graph: responses.RequestsMock, database: Database) -> None:
    graph.post(URL, status=401, json={"error": {"code": 190, "message": f"Bad {ACCESS_TOKEN}"}})
    send(SHORT)

    with database.read() as session:
        stored = [str(session.execute(select(table)).all()) for table in Base.metadata.sorted_tables]

    assert any("Hola" in rows for rows in stored)
    assert not [rows for rows in stored if ACCESS_TOKEN in rows or API_KEY in rows]


ODD: dict[str, bytes] = {
    "NaN": b'{"to":"+5491112345678","type":"x","raw":true,"x":NaN}',
    "infinity": b'{"to":"+5491112345678","type":"x","raw":true,"x":1e999}',
    "minus infinity": b'{"to":"+5491112345678","type":"x","raw":true,"x":{"a":[-Infinity]}}',
    "NUL in a text": b'{"to":"+5491112345678","message":"a\\u0000b"}',
    "NUL in raw": b'{"to":"+5491112345678","type":"x","raw":true,"x":{"a":"\\u0000"}}',
    "NUL as a key": b'{"to":"+5491112345678","type":"x","raw":true,"x":{"\\u0000":1}}',
    "surrogate in a text": b'{"to":"+5491112345678","message":"\\ud800"}',
    "surrogate in raw": b'{"to":"+5491112345678","type":"x","raw":true,"x":"\\udfff"}',
    "NUL in callback data": b'{"to":"+5491112345678","message":"a","callback_data":"\\u0000"}',
    "NUL in a number id": b'{"to":"+5491112345678","message":"a","phone_number_id":"\\u0000"}',
    "deep": b'{"to":"+5491112345678","type":"x","raw":true,"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "huge integer": b'{"to":"+5491112345678","type":"x","raw":true,"x":' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD.keys())
def test_odd_json_is_refused_or_sent_and_never_half_done(
    send: Send, graph: responses.RequestsMock, database: Database, raw: bytes
) -> None:
    graph.post(URL, json=ACCEPTED)

    response = send(raw)

    assert response.status_code in (200, 400, 404, 422)
    assert [row.status for row in all_rows(database, Message)] in ([], ["accepted"])


@pytest.fixture
def send(client: FlaskClient) -> Send:
    """Ask for a send, with the first key or another."""

    def send_(body: Any, key: str = API_KEY) -> TestResponse:
        raw = body if isinstance(body, bytes) else json.dumps(body)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        return client.post("/send/whatsapp", data=raw, headers=headers)

    return send_


@pytest.fixture
def graph() -> Iterator[responses.RequestsMock]:
    """Graph, which answers what the test says and nothing else."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def second_number(gateway: Gateway) -> None:
    """A second number of ours, with a token of its own."""
    now = datetime.now(UTC)
    with gateway.database.write() as session:
        numbers.save(session, {
            "phone_number_id": OTHER_PNID, "waba_id": OTHER_WABA, "app": "default", "created_at": now,
            "updated_at": now, "access_token": gateway.encryptor.encrypt("EAAother"),
        })  # fmt: skip


def sent(graph: responses.RequestsMock) -> tuple[Any, Any]:
    request = graph.calls[-1].request
    return json.loads(request.body or ""), request.headers


def all_rows(database: Database, model: Any) -> list[Any]:
    with database.read() as session:
        return list(session.scalars(select(model).order_by(model.id)))


def only(database: Database, model: Any) -> Any:
    (row,) = all_rows(database, model)
    return row


def test_an_echo_that_overtook_the_answer_does_not_make_the_send_fail(
    client: FlaskClient, gateway: Gateway, receive: Callable[..., None], get: Callable[..., Any]
) -> None:
    receive(echo_body(echo("wamid.echoed")))
    config = gateway.config
    with responses.RequestsMock() as graph:
        url = f"{config.graph_api_url}/{config.graph_api_version}/{PNID}/messages"
        graph.post(url, json={"messages": [{"id": "wamid.echoed"}]})

        answer = client.post(
            "/send/whatsapp",
            json={"to": f"+{ANA}", "message": "Hola"},
            headers={"Authorization": f"Bearer {API_KEY}"},
        )

    assert answer.status_code == 200 and answer.get_json()["status"] == "accepted"
    assert get(f"/api/messages/{answer.get_json()['id']}")["status"] == "sent"  # as the echo says

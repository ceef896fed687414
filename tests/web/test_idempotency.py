"""`Idempotency-Key` is taken, or refused, by every route that sends, makes or changes something."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import responses
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.container import Gateway
from app.db.database import Database
from app.errors import Unavailable
from app.models import Batch, Endpoint, IdempotentRequest, Message, QueuedSend
from app.store import queue
from app.web import idempotency
from tests.conftest import API_KEY, Clock, on_sqlite
from tests.factories import ANA, PNID, message_body, text

Ask = Callable[..., TestResponse]
URL = "https://hooks.example.com/in"
TAKE_IT_THEMSELVES = {
    "whatsapp.send", "graph.send", "batch_actions.add", "conversation_acts.answer", "media_uploads.upload",
}  # fmt: skip
TAKE_NONE = {"graph.upload", "graph.append_to_upload"}
EDGES = {"graph.change_item": "message_qrdls", "graph.delete_item": "message_qrdls", "graph.delete_edge": "block_users"}
"""Edges that there are; of others nothing is asked."""
IGNORE_IT = {"whatsapp.receive", "graph.exchange_token", "preflight.check"}
ROWS = [{"to": f"+3460011122{n}", "message": f"row {n}"} for n in range(5)]


@pytest.fixture
def ask(client: FlaskClient) -> Ask:
    """Ask for something with a key; `body` is an object, or JSON as it is to be written."""

    def ask_(path: str, body: Any = None, key: str | None = "k-1", method: str = "POST") -> TestResponse:
        headers = {"Authorization": f"Bearer {API_KEY}"} | ({"Idempotency-Key": key} if key is not None else {})
        data = body if isinstance(body, str) else json.dumps(body) if body is not None else None
        return client.open(path, method=method, data=data, content_type="application/json", headers=headers)

    return ask_


@on_sqlite
def test_every_route_that_changes_something_takes_the_key_or_says_that_it_does_not(
    app: Flask, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing = [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - idempotency.SAFE)
    ]
    asked: list[str] = []
    keys_of = type(app.extensions["gateway"].idempotent_requests)
    monkeypatch.setattr(keys_of, "begin", lambda self, retry: _stop(retry))

    def _stop(retry: Any) -> None:
        asked.append(retry.written)
        raise Unavailable("stopped by the test")

    for rule, method in changing:
        if rule.endpoint in TAKE_IT_THEMSELVES | IGNORE_IT or rule.rule.startswith("/inbox"):
            continue  # pages: their forms have keys of their own
        edge = EDGES.get(rule.endpoint, "register")
        values = {"version": "v26.0", "edge": edge}
        values = {name: values.get(name, "1") for name in rule.arguments}
        path = app.url_map.bind("localhost").build(rule.endpoint, values, method=method)
        key = f"{rule.endpoint} {method}"
        answer = ask(path, {}, key, method)
        if rule.endpoint in TAKE_NONE:
            assert "Idempotency-Key" in answer.get_data(as_text=True), key
        else:
            assert asked and asked[-1] == key, key
    assert len(asked) > 20


@on_sqlite
def test_a_form_of_files_cannot_be_compared_so_its_key_is_refused(client: FlaskClient) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": "k"}
    answer = client.post("/api/endpoints", data={"file": (io.BytesIO(b"x"), "x")}, headers=headers)
    assert answer.status_code == 422 and "Idempotency-Key" in answer.get_json()["error"]["fields"]


def test_an_endpoint_is_made_once_and_its_secret_told_again(ask: Ask, database: Database) -> None:
    first = ask("/api/endpoints", {"url": URL, "description": "a"})
    second = ask("/api/endpoints", f'{{"description": "a",  "url": "{URL}"}}')

    assert (first.status_code, second.status_code, second.get_json()) == (201, 201, first.get_json())
    assert (second.headers["Idempotent-Replayed"], first.headers.get("Idempotent-Replayed")) == ("true", None)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Endpoint)) == 1
        kept = session.scalars(select(IdempotentRequest)).one()
    assert kept.answer is not None and first.get_json()["secret"] not in kept.answer
    assert ask("/api/endpoints", {"url": URL}).get_json()["error"]["code"] == "idempotency_mismatch"


def test_a_request_that_did_nothing_gives_its_key_back(ask: Ask) -> None:
    assert ask("/api/endpoints", {"url": "nonsense"}).status_code == 422
    assert ask("/api/endpoints", {"url": URL}).status_code == 201


def test_a_request_that_broke_is_not_done_again(ask: Ask, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(type(gateway.manage_endpoints), "add", lambda *_: 1 / 0)
        assert ask("/api/endpoints", {"url": URL}).status_code == 500

    answer = ask("/api/endpoints", {"url": URL})

    assert (answer.status_code, answer.get_json()["error"]["retryable"]) == (409, False)


def test_a_request_that_lost_its_process_says_so_after_a_while(
    ask: Ask, gateway: Gateway, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.idempotent_requests, "_now", clock)

    def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(type(gateway.idempotent_requests), "give_up", lambda *_: None)
        patch.setattr(type(gateway.manage_endpoints), "add", die)
        ask("/api/endpoints", {"url": URL})

    assert ask("/api/endpoints", {"url": URL}).get_json()["error"]["retryable"] is True
    clock.pass_by(minutes=11)
    assert ask("/api/endpoints", {"url": URL}).get_json()["error"]["retryable"] is False
    clock.pass_by(hours=48)
    monkeypatch.setattr(gateway.sweep_sends, "_now", clock)
    gateway.sweep_sends.purge()
    assert ask("/api/endpoints", {"url": URL}).status_code == 201


def test_a_bulk_is_one_batch_however_often_it_is_asked_for(ask: Ask, database: Database) -> None:
    first = ask("/api/messages/bulk", {"messages": ROWS, "name": "spring"})
    second = ask("/api/messages/bulk", json.dumps({"name": "spring", "messages": ROWS}, indent=1))

    assert (first.status_code, second.status_code, second.get_json()) == (202, 202, first.get_json())
    assert second.headers["Idempotent-Replayed"] == "true"
    assert count(database, Message) == count(database, QueuedSend) == len(ROWS)
    assert ask("/api/messages/bulk", {"messages": ROWS[:2]}).get_json()["error"]["code"] == "idempotency_mismatch"


def test_an_interrupted_bulk_is_completed_by_its_retry(
    ask: Ask, database: Database, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.sending.add_batch.BATCH_SIZE", 2)
    write = type(database).write

    def dies_in_the_second_portion(self: Database) -> Any:
        if count(self, Message) == 2:
            raise Unavailable
        return write(self)

    with monkeypatch.context() as patch:
        patch.setattr(type(database), "write", dies_in_the_second_portion)
        assert ask("/api/messages/bulk", {"messages": ROWS}).status_code == 503
    assert count(database, Message) == 2

    answer = ask("/api/messages/bulk", {"messages": ROWS})

    assert [each["success"] for each in answer.get_json()["data"]] == [True] * 5
    assert (count(database, Message), count(database, Batch)) == (5, 1)


def test_a_bulk_asked_for_twice_at_once_is_one(ask: Ask, app: Flask, database: Database) -> None:
    answers: list[Any] = []

    def ask_now() -> None:
        headers = {"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": "k"}
        answers.append(app.test_client().post("/api/messages/bulk", json={"messages": ROWS}, headers=headers))

    threads = [threading.Thread(target=ask_now) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {answer.status_code for answer in answers} == {202}
    assert len({json.dumps(answer.get_json()) for answer in answers}) == 1
    assert (count(database, Message), count(database, Batch)) == (5, 1)


def test_a_row_may_carry_a_key_of_its_own(ask: Ask, database: Database) -> None:
    rows = [row | {"idempotency_key": f"order-{place}"} for place, row in enumerate(ROWS)]

    first = ask("/api/messages/bulk", {"messages": rows[:3]}, key=None).get_json()
    second = ask("/api/messages/bulk", {"messages": rows[1:]}, key=None).get_json()
    third = ask("/api/messages/bulk", {"messages": rows[:2]}, key=None).get_json()

    assert [each["id"] for each in first["data"]][1:] == [each["id"] for each in second["data"]][:2]
    assert (count(database, Message), count(database, Batch)) == (5, 2)
    assert third["batch"] == first["batch"] and third["data"] == first["data"][:2]
    other = ask("/api/messages/bulk", {"messages": [rows[0] | {"message": "x"}, rows[1], rows[1]]}, key=None).get_json()
    assert [each.get("error", {}).get("code") for each in other["data"]] == [
        "idempotency_mismatch", None, "invalid_request"
    ]  # fmt: skip
    for wrong in ("", 7):
        refused = ask("/api/messages/bulk", {"messages": [ROWS[0] | {"idempotency_key": wrong}]}, key=None).get_json()
        assert "idempotency_key" in refused["data"][0]["error"]["fields"]


def test_a_batch_that_was_stopped_takes_no_more_from_a_retry(
    ask: Ask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"messages": ROWS}
    batch = ask("/api/messages/bulk", body).get_json()["batch"]
    with database.write() as session:  # as if the rest had not been queued when the first request was interrupted
        for row in session.scalars(select(Message).order_by(Message.id).offset(2)).all():
            session.delete(row)
    ask(f"/api/batches/{batch}/pause", key=None)
    ask("/api/messages/bulk", body)
    with database.read() as session:
        assert {row.due_at for row in session.scalars(select(QueuedSend))} == {queue.NEVER}
    ask(f"/api/batches/{batch}/cancel", key=None)
    with database.write() as session:
        for row in session.scalars(select(Message).order_by(Message.id).offset(2)).all():
            session.delete(row)

    answer = ask("/api/messages/bulk", body).get_json()

    assert [each.get("error", {}).get("code") for each in answer["data"]] == [None, None] + ["wrong_state"] * 3


def test_a_bulk_of_which_nothing_can_be_queued_makes_no_batch(ask: Ask, database: Database) -> None:
    answer = ask("/api/messages/bulk", {"messages": [{"to": "nobody", "message": "x"}]})

    assert answer.get_json()["batch"] is None and count(database, Batch) == 0
    assert ask("/api/messages/bulk", {"messages": ROWS}).status_code == 202, "and its key is free"


@on_sqlite
def test_the_same_json_with_its_members_in_another_order_is_the_same_message(ask: Ask, database: Database) -> None:
    body = {"to": f"+{ANA}", "message": "Hola", "mode": "queued"}
    first = ask("/send/whatsapp", body)
    second = ask("/send/whatsapp", json.dumps(dict(reversed(body.items())), indent=2))
    other = ask("/send/whatsapp", body | {"message": "hola"})

    assert first.get_json() == second.get_json() and count(database, Message) == 1
    assert other.get_json()["error"]["code"] == "idempotency_mismatch"


def test_whoever_never_wrote_is_warned_of(ask: Ask, receive: Callable[..., None]) -> None:
    body = {"to": f"+{ANA}", "message": "Hola", "mode": "queued"}
    template = {"to": f"+{ANA}", "type": "template", "template": {"name": "t", "language": {"code": "es"}}}
    assert "131047" in ask("/send/whatsapp", body, key=None).get_json()["warnings"][-1]
    assert "131047" in ask("/api/messages/bulk", {"messages": [body]}, key=None).get_json()["data"][0]["warnings"][-1]
    assert ask("/send/whatsapp", template | {"mode": "queued"}, key=None).get_json()["warnings"] == []
    receive(message_body(text("Hi", timestamp=int(time.time()))))
    assert ask("/send/whatsapp", body, key=None).get_json()["warnings"] == []


def test_the_sender_is_known_from_any_webhook(
    ask: Ask, receive: Callable[..., None], get: Callable[..., Any], gateway: Gateway
) -> None:
    body = {"to": "+34600111222", "message": "Hola", "mode": "queued"}
    receive(message_body(text("Hi")))
    gateway.directory.refresh()

    sent = ask("/send/whatsapp", body, key=None).get_json()["id"]

    (inbound,) = get("/api/messages", direction="inbound")["data"]
    assert inbound["recipient"] and get(f"/api/messages/{sent}")["sender"] == inbound["recipient"]


@on_sqlite
def test_a_graph_call_is_made_once(ask: Ask, gateway: Gateway) -> None:
    with responses.RequestsMock() as graph:
        graph.post(f"https://graph.example/v26.0/{PNID}/register", json={"success": True})
        answers = [ask(f"/graph/v26.0/{PNID}/register", {"pin": "123456"}) for _ in range(2)]
        assert len(graph.calls) == 1
    assert [each.get_json() for each in answers] == [{"success": True}] * 2


def count(database: Database, model: Any) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0

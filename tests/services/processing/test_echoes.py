"""A send of ours that Meta also echoes is one message, whatever comes first: echo, Graph's answer, or a report."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import responses
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app.container import Gateway
from app.db.database import Database
from app.models import ContactNumber, Event, Message, Notification, SendAttempt
from app.services.operations.audit import audit_balance
from app.services.processing import ProcessNotifications
from app.services.sending import send_message
from app.store import attempts
from tests.conftest import API_KEY, one_case_on_postgresql
from tests.factories import (
    ANA,
    OTHER_PNID,
    PNID,
    change,
    echo,
    echo_body,
    message_body,
    notification,
    status,
    status_body,
    text,
)

pytestmark = one_case_on_postgresql

Receive = Callable[..., None]
Get = Callable[..., Any]
W = "wamid.OURS"
FIELDS = ("smb_message_echoes", "message_echoes")


class Meta:
    """Graph, which tells of a message by webhooks before it answers (`early`) and after that (`late`)."""

    def __init__(self, client: FlaskClient, gateway: Gateway, receive: Receive, field: str) -> None:
        self._client = client
        config = gateway.config
        self._url = f"{config.graph_api_url}/{config.graph_api_version}/{PNID}/messages"
        self._receive = receive
        self._field = field
        self.tag = ""

    def send(self, early: Sequence[str], late: Sequence[str], *, is_lost: bool = False) -> Any:
        def answer(request: Any) -> Any:
            self.tag = json.loads(request.body)["biz_opaque_callback_data"]
            self.tell(early)
            if is_lost:
                raise requests.exceptions.ReadTimeout
            return 200, {}, json.dumps({"messages": [{"id": W}]})

        with responses.RequestsMock() as graph:
            graph.add_callback(responses.POST, self._url, answer)
            sent = self._client.post(
                "/send/whatsapp",
                json={"to": f"+{ANA}", "message": "Hola"},
                headers={"Authorization": f"Bearer {API_KEY}"},
            )
        self.tell(late)
        return sent

    def tell(self, words: Sequence[str]) -> None:
        for word in words:
            if word == "echo":
                at = str(int(datetime.now(UTC).timestamp()))
                this = echo(W) | {"timestamp": at}
                self._receive(notification(change(field=self._field, message_echoes=[this])))
            else:
                self._receive(status_body(status(W, word, biz_opaque_callback_data=self.tag)))


ORDERS = [
    (order[:cut], order[cut:])
    for order in itertools.permutations(["echo", "read"])
    for cut in range(len(order) + 1)
]


@pytest.mark.parametrize("is_lost", [False, True], ids=["answered", "lost"])
@pytest.mark.parametrize(("early", "late"), ORDERS, ids=lambda words: "-".join(words) or "nothing")
def test_a_send_its_echo_and_its_reports_are_one_message(
    client: FlaskClient,
    gateway: Gateway,
    receive: Receive,
    database: Database,
    get: Get,
    early: Sequence[str],
    late: Sequence[str],
    is_lost: bool,
) -> None:
    sent = Meta(client, gateway, receive, FIELDS[0]).send(early, late, is_lost=is_lost)

    (message,) = rows(database, Message)
    assert (sent.status_code, sent.get_json()["id"]) == (202 if is_lost else 200, message.id)
    assert (message.wamid, message.status, message.source) == (W, "read", "live")
    (attempt,) = rows(database, SendAttempt)
    assert (attempt.state, attempt.wamid) == ("accepted", W)
    assert {row.state for row in rows(database, Notification)} == {"processed"}
    assert {row.message_id for row in rows(database, Event)} == {message.id}
    assert all(row.agent_at is None for row in all_of(database, ContactNumber))
    for event in get("/api/events")["data"]:  # whatever id an app was told, it finds the message
        assert get(f"/api/messages/{event['data'].get('id') or event['data']['message']['id']}")["id"] == message.id
    assert audit_balance(database, deep=True).problems == []


@pytest.mark.parametrize("field", FIELDS)
def test_an_echo_alone_before_the_answer_is_the_send(
    client: FlaskClient, gateway: Gateway, receive: Receive, database: Database, field: str
) -> None:
    Meta(client, gateway, receive, field).send(["echo"], [])

    (message,) = rows(database, Message)
    assert (message.wamid, message.status) == (W, "sent")


def test_an_echo_of_an_earlier_try_is_no_new_message(receive: Receive, database: Database, sent: str) -> None:
    with database.write() as session:
        session.execute(update(Message).values(wamid="wamid.SECOND"))

    receive(echo_body(echo(W)))

    assert [row.id for row in rows(database, Message)] == [sent]


def test_reports_that_name_the_echo_move_the_send(
    client: FlaskClient, gateway: Gateway, receive: Receive, database: Database
) -> None:
    meta = Meta(client, gateway, receive, FIELDS[0])
    meta.send(["echo"], [], is_lost=True)
    untagged = [status(W, "delivered", pricing={"category": "service", "billable": False}), status(W, "sent")]

    receive(notification(change(statuses=[*untagged, status(W, "read", biz_opaque_callback_data=meta.tag)])))

    (message,) = rows(database, Message)
    assert (message.status, message.wamid, message.pricing) == ("read", W, {"category": "service", "billable": False})
    assert {row.state for row in rows(database, Notification)} == {"processed"}


@pytest.mark.parametrize(("said", "is_human"), [("Hola", False), (" Hola ", False), ("I am Bo, a person", True)])
def test_what_a_person_writes_on_the_phone_while_an_answer_is_out_still_counts(
    client: FlaskClient, gateway: Gateway, receive: Receive, database: Database, said: str, is_human: bool
) -> None:
    Meta(client, gateway, receive, FIELDS[0]).send([], [], is_lost=True)

    receive(echo_body(echo("wamid.PHONE", said) | {"timestamp": str(int(datetime.now(UTC).timestamp()))}))

    assert [row.agent_at is not None for row in all_of(database, ContactNumber)] == ([True] if is_human else [])
    assert count(database, Message) == 2


def test_an_answer_that_is_recorded_while_its_echo_is_stored_is_recorded(
    gateway: Gateway, client: FlaskClient, receive: Receive, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL both may be written at once; the second to commit meets the first's wamid."""
    accept, calls = send_message.attempts.accept, []

    def clash(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 1:
            raise IntegrityError("UPDATE", {}, Exception())
        accept(*args)

    monkeypatch.setattr(send_message.attempts, "accept", clash)
    sent = Meta(client, gateway, receive, FIELDS[0]).send(["echo"], [])

    (message,) = rows(database, Message)
    assert (sent.status_code, message.wamid, len(calls)) == (200, W, 2)


@pytest.fixture
def sent(client: FlaskClient, gateway: Gateway, receive: Receive) -> str:
    """A message of ours that Graph took."""
    answer = Meta(client, gateway, receive, FIELDS[0]).send([], [])
    message_id: str = answer.get_json()["id"]
    return message_id


def rows(database: Database, model: Any) -> list[Any]:
    with database.read() as session:
        return list(session.scalars(select(model).order_by(model.sequence if model is Event else model.id)))


def all_of(database: Database, model: Any) -> list[Any]:
    with database.read() as session:
        return list(session.scalars(select(model)))


def count(database: Database, model: Any) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_message_between_two_numbers_of_ours_is_there_twice(
    client: FlaskClient, gateway: Gateway, receive: Receive, database: Database
) -> None:
    received = message_body(text("Hola", id=W), number=OTHER_PNID)
    receive(received)

    Meta(client, gateway, receive, FIELDS[0]).send(["echo"], [])

    assert sorted((row.phone_number_id, row.direction, row.wamid) for row in rows(database, Message)) == [
        (PNID, "outbound", W), (OTHER_PNID, "inbound", W),
    ]  # fmt: skip


def test_an_echo_that_another_number_tells_of_is_not_absorbed(
    client: FlaskClient, gateway: Gateway, receive: Receive, database: Database
) -> None:
    receive(notification(change(field=FIELDS[0], message_echoes=[echo(W, "theirs")], number=OTHER_PNID)))

    Meta(client, gateway, receive, FIELDS[0]).send([], [])

    assert sorted((row.phone_number_id, row.message, row.wamid) for row in rows(database, Message)) == [
        (PNID, "Hola", W), (OTHER_PNID, "theirs", W),
    ]  # fmt: skip


def test_an_echo_that_is_read_while_the_answer_is_recorded_is_no_persons(
    client: FlaskClient, gateway: Gateway, receive: Receive, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The try had an answer when open ones were looked for, and its wamid was not there yet when echoes were."""
    sent = Meta(client, gateway, receive, FIELDS[0]).send([], [], is_lost=True).get_json()["id"]
    look_up = ProcessNotifications._load_stored_state

    def look_up_at_that_moment(self: Any, work_items: Any, now: Any) -> Any:
        known = look_up(self, work_items, now)
        with database.write() as session:
            attempts.accept(session, [(sent, 1, W)], now)
        return replace(known, open_attempts=[])

    monkeypatch.setattr(ProcessNotifications, "_load_stored_state", look_up_at_that_moment)
    receive(echo_body(echo(W)))

    assert [row.id for row in rows(database, Message)] == [sent]
    assert all_of(database, ContactNumber) == []

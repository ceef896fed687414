"""Whoever wrote can be answered at the `sender` that we reported, whatever their country's numbering plan says."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.db.database import Database
from app.domain.phone_numbers import variants
from app.models import Contact, Message
from tests.conftest import API_KEY
from tests.factories import PNID, message_body, text

Receive = Callable[..., None]
HEADERS = {"Authorization": f"Bearer {API_KEY}"}
WRITERS = (
    "5491112345678", "541112345678", "5215512345678", "525512345678", "5511987654321", "551187654321",
    "2290161234567", "22961234567", "2250747123456", "22547123456", "34600111", "15550100100", "999000111222",
)  # fmt: skip


def test_the_sender_that_was_reported_is_answered(
    client: FlaskClient, receive: Receive, get: Callable[..., Any], database: Database
) -> None:
    receive(message_body(*(text(sender=wa_id, timestamp=int(time.time())) for wa_id in WRITERS)))
    met = number_of_contacts(database)

    for message in get("/api/messages")["data"]:
        sender = message["sender"]
        answers = [send(client, sender), bulk(client, sender), graph(client, sender.removeprefix("+"))]
        assert [answer.status_code for answer in answers] == [202, 202, 200], [each.get_json() for each in answers]
        assert recipients(database)[-3:] == [sender, sender, sender]
    assert number_of_contacts(database) == met


def test_who_is_written_to_by_the_other_form_is_the_same_person(
    client: FlaskClient, receive: Receive, database: Database
) -> None:
    wrote = [wa_id for wa_id in WRITERS if len(variants(wa_id)) > 1][::2]
    receive(message_body(*(text(sender=wa_id, timestamp=int(time.time())) for wa_id in wrote)))

    answers = [send(client, f"+{variants(wa_id)[1]}").status_code for wa_id in wrote]

    assert answers == [202] * 5
    assert number_of_contacts(database) == 5


@pytest.mark.parametrize("way", ["send", "bulk", "graph"])
def test_a_stranger_with_digits_of_no_plan_is_refused_and_not_met(
    client: FlaskClient, database: Database, way: str
) -> None:
    answer = {"send": send, "bulk": bulk, "graph": graph}[way](client, "+34600111")

    assert "none has this country code" in answer.get_data(as_text=True)
    assert number_of_contacts(database) == 0 and recipients(database) == []
    answer = {"send": send, "bulk": bulk, "graph": graph}[way](client, "+34600111")
    assert "none has this country code" in answer.get_data(as_text=True)


def send(client: FlaskClient, to: str) -> TestResponse:
    return client.post("/send/whatsapp", json={"to": to, "message": "Hola", "mode": "queued"}, headers=HEADERS)


def bulk(client: FlaskClient, to: str) -> TestResponse:
    body = {"messages": [{"to": to, "message": "Hola"}]}
    return client.post("/api/messages/bulk", json=body, headers=HEADERS)


def graph(client: FlaskClient, to: str) -> TestResponse:
    body = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": "Hola"}, "mode": "queued"}
    return client.post(f"/graph/v26.0/{PNID}/messages", json=body, headers=HEADERS)


def recipients(database: Database) -> list[str | None]:
    with database.read() as session:
        query = select(Message.recipient).where(Message.direction == "outbound").order_by(Message.id)
        return list(session.scalars(query))


def number_of_contacts(database: Database) -> int:
    with database.read() as session:
        return len(list(session.scalars(select(Contact.id))))

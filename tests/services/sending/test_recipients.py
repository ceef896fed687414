"""Whom a send is for: one contact for one person, however they are written to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import responses
from flask.testing import FlaskClient
from sqlalchemy import event, select, update
from werkzeug.test import TestResponse

from app.db.database import Database
from app.models import Contact, ContactAlias, Message
from tests.conftest import API_KEY, Clock, on_sqlite
from tests.factories import ANA
from tests.services.sending.conftest import Post

BO = "34600000002"
ARGENTINE, ITS_OTHER_FORM = "5491123456789", "541123456789"

Write = Callable[[str], TestResponse]


def test_who_is_new_is_met_once_by_all_who_write_at_once(
    client: FlaskClient, accepting: responses.RequestsMock, database: Database
) -> None:
    def ask(_: int) -> int:
        body = {"to": f"+{BO}", "message": "Hola"}
        headers = {"Authorization": f"Bearer {API_KEY}"}
        return client.application.test_client().post("/send/whatsapp", json=body, headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(16)))

    assert answers == [200] * 16
    (owner,) = contacts(database)
    assert recipients(database) == {BO: owner} and owners_of_messages(database) == [owner] * 16


def test_a_number_that_was_given_up_is_somebody_elses(write: Write, now: Clock, database: Database) -> None:
    write(BO)
    (before,) = contacts(database)
    with database.write() as session:
        session.execute(update(ContactAlias).values(until=now() - timedelta(days=1)))

    write(BO)
    write(BO)

    (after,) = [contact for contact in contacts(database) if contact != before]
    assert recipients(database) == {BO: after}
    assert owners_of_messages(database) == [before, after, after]


@pytest.mark.parametrize("mode", ["sync", "queued"])
def test_a_number_with_two_forms_is_one_person(
    post: Post, accepting: responses.RequestsMock, database: Database, mode: str
) -> None:
    for number in (ARGENTINE, ITS_OTHER_FORM, ARGENTINE):
        post("/send/whatsapp", {"to": f"+{number}", "message": "Hola", "mode": mode})

    (owner,) = contacts(database)
    assert set(owners_of_messages(database)) == {owner}


@on_sqlite
def test_a_caller_who_waits_waits_for_few_statements(write: Write, database: Database) -> None:
    write(ANA)  # a new number's pace takes more, once
    statements: list[str] = []
    event.listen(
        database._write_engine, "before_cursor_execute", lambda *given: statements.append(given[2].split()[0])
    )

    write(BO)
    of_somebody_new, statements[:] = statements[:], []
    write(BO)

    assert len([each for each in of_somebody_new if each != "BEGIN"]) <= 14
    assert len([each for each in statements if each != "BEGIN"]) <= 13


@pytest.fixture
def write(post: Post, accepting: responses.RequestsMock, now: Clock) -> Write:
    """Send a text to a number and wait."""

    def write_(number: str) -> TestResponse:
        response = post("/send/whatsapp", {"to": f"+{number}", "message": "Hola"})
        assert response.status_code == 200, response.get_json()
        return response

    return write_


def contacts(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Contact.id).order_by(Contact.id)))


def recipients(database: Database) -> dict[str, str]:
    with database.read() as session:
        return {row.value: row.contact_id for row in session.scalars(select(ContactAlias))}


def owners_of_messages(database: Database) -> list[str | None]:
    with database.read() as session:
        return list(session.scalars(select(Message.contact_id).order_by(Message.id)))

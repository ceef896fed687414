"""`POST /api/contacts/<id>/handover`, and what a contact says of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from app.clock import utc_now
from app.container import Gateway
from app.db.database import Database
from app.domain.handover import HandledBy
from app.errors import NotFound
from app.store import contacts
from app.web.openapi.document import event_schema
from tests.conftest import API_KEY, on_sqlite
from tests.factories import ANA, BO, OTHER_PNID, PNID, echo, echo_body, message_body, text

Get = Callable[..., Any]
Receive = Callable[..., None]
HEADERS = {"Authorization": f"Bearer {API_KEY}"}


def test_a_person_takes_over_and_gives_back(client: FlaskClient, get: Get, receive: Receive) -> None:
    receive(message_body(text()))
    contact_id = get("/api/contacts")["data"][0]["id"]

    human = _post(client, contact_id, {"to": "human"})
    again = _post(client, contact_id, {"to": "human", "phone_number_id": PNID})
    bot = _post(client, contact_id, {"to": "bot"})

    assert human.status_code == again.status_code == bot.status_code == 200
    [first, second, last] = [each.get_json()["handling"][PNID] for each in (human, again, bot)]
    assert (first["handled_by"], second["handled_by"], last["handled_by"]) == ("human", "human", "bot")
    assert _moment(first["until"]) - _moment(first["agent_at"]) == timedelta(hours=12)
    assert _moment(second["until"]) > _moment(first["until"])
    assert last["until"] is None
    told = get("/api/events", type="contact.updated")["data"]
    assert [event["data"]["handover"] for event in told] == [
        {"handled_by": "bot", "phone_number_ids": [PNID]}, {"handled_by": "human", "phone_number_ids": [PNID]},
    ]  # fmt: skip
    for event in told:
        assert list(Draft202012Validator(event_schema()).iter_errors(event)) == []


@on_sqlite
@pytest.mark.parametrize(
    "body",
    [{}, {"to": "nobody"}, {"to": None}, {"to": "human", "phone_number_id": "12345"}, {"to": "bot", "by": "x"}],
)
def test_what_cannot_be_is_refused(client: FlaskClient, get: Get, receive: Receive, body: dict[str, Any]) -> None:
    receive(message_body(text()))

    answer = _post(client, get("/api/contacts")["data"][0]["id"], body)

    assert answer.status_code == 422
    assert get("/api/contacts")["data"][0]["handling"][PNID]["handled_by"] == "bot"


@on_sqlite
def test_a_contact_of_other_numbers_is_not_there(
    client: FlaskClient, get: Get, receive: Receive, gateway: Gateway
) -> None:
    receive(message_body(text(), number=OTHER_PNID))
    contact_id = get("/api/contacts")["data"][0]["id"]
    headers = {"Authorization": f"Bearer {gateway.api_keys.make('bound', ['send'], [PNID])}"}

    answer = client.post(f"/api/contacts/{contact_id}/handover", json={"to": "human"}, headers=headers)

    assert answer.status_code == 404
    with pytest.raises(NotFound):
        gateway.hand_over("nobody", HandledBy.HUMAN)


@on_sqlite
def test_late_echoes_take_nothing_back(client: FlaskClient, get: Get, receive: Receive) -> None:
    """A phone that was offline tells late what was said before the bot got the contact back; or a day ago."""
    receive(message_body(text()))
    contact_id = get("/api/contacts")["data"][0]["id"]
    _post(client, contact_id, {"to": "human"})
    _post(client, contact_id, {"to": "bot"})

    receive(_echo(utc_now() - timedelta(minutes=5)), _echo(utc_now() - timedelta(hours=13), to=BO))
    late = get("/api/contacts")["data"]
    receive(_echo(utc_now() + timedelta(days=400)))
    ahead = get(f"/api/contacts/{contact_id}")["handling"][PNID]

    assert [each["handling"][PNID]["handled_by"] for each in late] == ["bot", "bot"]
    assert ahead["handled_by"] == "human" and _moment(ahead["agent_at"]) <= utc_now()


@on_sqlite
def test_what_another_program_sent_is_no_persons_answer(get: Get, receive: Receive) -> None:
    body = _echo(utc_now())
    body["entry"][0]["changes"][0]["field"] = "message_echoes"

    receive(message_body(text()), body)

    assert get("/api/contacts")["data"][0]["handling"][PNID]["handled_by"] == "bot"


def test_two_contacts_that_become_one_stay_with_the_person(
    client: FlaskClient, get: Get, receive: Receive, database: Database
) -> None:
    receive(message_body(text(sender=ANA)), message_body(text(sender=BO)))
    younger, older = (each["id"] for each in get("/api/contacts")["data"])
    _post(client, younger, {"to": "human"})

    with database.write() as session:
        contacts.merge(session, younger, older)

    assert get(f"/api/contacts/{older}")["handling"][PNID]["handled_by"] == "human"


def _echo(at: datetime, to: str = ANA) -> dict[str, Any]:
    return echo_body(echo(f"wamid.{at.timestamp()}", to=to) | {"timestamp": str(int(at.timestamp()))})


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _post(client: FlaskClient, contact_id: str, body: dict[str, Any]) -> Any:
    return client.post(f"/api/contacts/{contact_id}/handover", json=body, headers=HEADERS)

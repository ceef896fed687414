"""Contacts are found by what people know of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.db.database import Database
from app.models import ContactIndexQueue, ContactWord
from app.services.messages.search_index import index_contacts
from tests.conftest import API_KEY
from tests.factories import ANA, BO, OTHER_PNID, PNID, contact, message_body, text

Receive = Callable[..., None]
HEADERS = {"Authorization": f"Bearer {API_KEY}"}


@pytest.fixture(autouse=True)
def three_contacts(receive: Receive, database: Database) -> None:
    jose = contact(user_id="AR.1", profile={"name": "José Ángel Núñez", "username": "jose.n"})
    receive(
        message_body(text(), contacts=[jose]),
        message_body(text(sender=BO), contacts=[contact(BO, name="Bo Li")], number=OTHER_PNID),
        message_body(text(sender="15551234567"), contacts=[contact("15551234567", name="Josephine")]),
    )
    _index(database)


def _index(database: Database) -> None:
    while index_contacts(database):
        pass


def _found(client: FlaskClient, query: str) -> set[str]:
    answer = client.get(f"/api/contacts?{query}", headers=HEADERS)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return {each["name"].partition(" ")[0] for each in answer.get_json()["data"]}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"phone=+{ANA}", {"José"}),
        (f"phone={ANA}", {"José"}),
        ("phone=%2B54 (11) 1234-5678", {"José"}),
        ("phone=whatsapp:%2B5491112345678", {"José"}),
        ("phone=541112345678", {"José"}),
        ("phone=+4930123456", set()),
        ("user_id=AR.1", {"José"}),
        ("username=jose.n", {"José"}),
        ("username=@Jose.N", {"José"}),
        ("username=jose", set()),
        ("q=jose", {"José", "Josephine"}),
        ("q=nunez jos", {"José"}),
        ("q=angel", {"José"}),
        ("q=nobody", set()),
        (f"number={PNID}", {"José", "Josephine"}),
        (f"number={OTHER_PNID}", {"Bo"}),
        (f"number={OTHER_PNID}&q=jose", set()),
        (f"number={PNID}&limit=1", {"Josephine"}),
    ],
)
def test_contacts_are_found_by_any_name(client: FlaskClient, query: str, expected: set[str]) -> None:
    assert _found(client, query) == expected


@pytest.mark.parametrize("written", [f"+{ANA}", f"%2B{ANA}", ANA, "541112345678", "AR.1"])
def test_one_is_found_by_its_phone_or_user_id_too(client: FlaskClient, written: str) -> None:
    one = client.get(f"/api/contacts/{written}", headers=HEADERS).get_json()
    assert one["user_id"] == "AR.1"

    changed = client.patch(f"/api/contacts/{written}", json={"name": "Pepe"}, headers=HEADERS)
    assert (changed.status_code, changed.get_json()["id"], changed.get_json()["name"]) == (200, one["id"], "Pepe")
    assert client.get("/api/contacts/+4930123456", headers=HEADERS).status_code == 404


def test_a_new_name_is_found_and_an_erased_one_leaves_no_word(client: FlaskClient, database: Database) -> None:
    client.patch(f"/api/contacts/+{BO}", json={"name": "Zoë from the shop"}, headers=HEADERS)
    _index(database)
    assert _found(client, "q=zoe shop") == {"Zoë"}
    client.patch(f"/api/contacts/+{BO}", json={"name": None}, headers=HEADERS)
    _index(database)
    assert _found(client, "q=zoe") == set()

    for phone in (ANA, BO, "15551234567"):
        assert client.delete(f"/api/contacts/+{phone}", headers=HEADERS).status_code == 200
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(ContactWord)) == 0
    _index(database)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(ContactIndexQueue)) == 0


def test_a_key_of_one_number_finds_nobody_else(client: FlaskClient, gateway: Any) -> None:
    key = gateway.api_keys.make("bounded", ["read"], [OTHER_PNID])
    headers = {"Authorization": f"Bearer {key}"}

    for query in (f"phone=+{ANA}", "q=jose", f"number={PNID}", "username=jose.n"):
        assert client.get(f"/api/contacts?{query}", headers=headers).get_json()["data"] == [], query
    assert client.get(f"/api/contacts/+{ANA}", headers=headers).status_code == 404

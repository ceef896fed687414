"""The admins' pages of quick replies and labels."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from app.container import Gateway
from app.db.database import Database
from app.models import AuditEntry
from app.store.conversation_list import ConversationFilter
from tests.conftest import on_sqlite
from tests.factories import OTHER_PNID, PNID, message_body, text
from tests.people import Browser, sign_in

pytestmark = on_sqlite

HOSTILE = """"'><script>alert(1)</script></textarea>"""


@pytest.fixture
def admin(app: Flask) -> Browser:
    browser = sign_in(app, "Boss", "admin")
    browser.get("/inbox/quick-replies")
    return browser


def acts(database: Database) -> list[tuple[str, str]]:
    """What the audit log says was done to quick replies and labels, and by whom."""
    with database.read() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        found = [(row.act, row.actor.partition(":")[0]) for row in rows]
    return [each for each in found if each[0].startswith(("quick_reply.", "label."))]


def test_an_admin_adds_changes_and_removes_a_quick_reply(admin: Browser, gateway: Gateway, database: Database) -> None:
    asked = {"shortcut": "/Horas", "text": "Lunes a viernes\r\n9 a 18", "phone_number_id": PNID}

    added = admin.post("/inbox/quick-replies", data=asked)

    assert (added.status_code, added.location) == (303, "/inbox/quick-replies?said=added")
    (one,) = gateway.quick_replies.all(None)
    assert (one.shortcut, one.text, one.phone_number_id) == ("horas", "Lunes a viernes\n9 a 18", PNID)
    page = admin.get(added.location or "").text
    assert "It was added." in page and "/horas" in page and f'<option value="{PNID}" selected>' in page
    changed = admin.post(f"/inbox/quick-replies/{one.id}", data={"shortcut": "horas", "text": "Ahora 9 a 20"})
    assert changed.location == "/inbox/quick-replies?said=changed"
    (one,) = gateway.quick_replies.all((OTHER_PNID,))
    assert (one.text, one.phone_number_id) == ("Ahora 9 a 20", None)
    assert admin.post(f"/inbox/quick-replies/{one.id}/remove").location == "/inbox/quick-replies?said=removed"
    assert "no quick replies yet" in admin.get("/inbox/quick-replies").text
    assert acts(database) == [(f"quick_reply.{act}", "person") for act in ("added", "changed", "removed")]


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        ({"shortcut": "two words"}, 422, "A shortcut is one word"),
        ({"shortcut": "HOLA"}, 409, "This shortcut is taken"),
        ({"text": " \n"}, 422, "Write 1 to 4096 characters"),
        ({"phone_number_id": "999"}, 422, "This number was removed"),
    ],
)
def test_a_quick_reply_that_cannot_be_is_refused_in_words_and_what_was_typed_stays(
    admin: Browser, gateway: Gateway, wrong: dict[str, str], status: int, said: str
) -> None:
    gateway.quick_replies.add("hola", "¡Hola!")
    other = gateway.quick_replies.add("chau", "¡Chau!")
    asked = {"shortcut": "precio", "text": HOSTILE, "phone_number_id": ""} | wrong

    for path in ("/inbox/quick-replies", f"/inbox/quick-replies/{other.id}"):
        refused = admin.post(path, data=asked)
        assert refused.status_code == status
        assert refused.text.count(said) == 1 and f'value="{asked["shortcut"]}"' in refused.text
        assert ("<details open>" in refused.text) == path.endswith(other.id)
        assert "<script>alert" not in refused.text
    assert {each.text for each in gateway.quick_replies.all(None)} == {"¡Hola!", "¡Chau!"}


def test_an_admin_adds_changes_and_removes_a_label(
    admin: Browser, gateway: Gateway, database: Database, receive: Callable[..., None]
) -> None:
    receive(message_body(text("Hola")))
    ((conversation,), _) = gateway.conversations.list(ConversationFilter(), limit=1)

    added = admin.post("/inbox/labels", data={"name": "Envíos", "colour": "#22AA44"})

    assert added.location == "/inbox/labels?said=added"
    (label,) = gateway.labels.all()
    gateway.conversation_acts.label(conversation.id, [label.id], None)
    for path in ("/inbox/labels", "/inbox", f"/inbox/{conversation.id}?panel=1"):
        assert 'fill="#22aa44"' in admin.get(path).text, path
    admin.post(f"/inbox/labels/{label.id}", data={"name": "Entregas", "colour": "#112233"})
    assert [(each.name, each.colour) for each in gateway.labels.all()] == [("Entregas", "#112233")]
    assert admin.post(f"/inbox/labels/{label.id}/remove").location == "/inbox/labels?said=removed"
    assert gateway.conversations.one(conversation.id, None).labels == []
    assert [act for act, who in acts(database) if who == "person"] == ["label.added", "label.changed", "label.removed"]


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        ({"name": " "}, 422, "A name is 1 to 40 characters"),
        ({"name": "VIP"}, 409, "There is a label of this name"),
        ({"colour": "red"}, 422, "A colour is written as #2266cc"),
    ],
)
def test_a_label_that_cannot_be_is_refused_in_words(
    admin: Browser, gateway: Gateway, wrong: dict[str, str], status: int, said: str
) -> None:
    gateway.labels.add("VIP")
    other = gateway.labels.add("New", "#112233")

    for path in ("/inbox/labels", f"/inbox/labels/{other.id}"):
        refused = admin.post(path, data={"name": "Nuevo", "colour": "#445566"} | wrong)
        assert (refused.status_code, refused.text.count(said)) == (status, 1)
    assert [(each.name, each.colour) for each in gateway.labels.all() if each.id == other.id] == [("New", "#112233")]


def test_labels_without_a_colour_get_one_by_their_names(gateway: Gateway) -> None:
    found = {gateway.labels.add(f"label {number}").colour for number in range(8)}

    assert len(found) > 2


def test_the_page_is_in_the_navigation_of_admins_alone(app: Flask, admin: Browser) -> None:
    link = 'href="/inbox/quick-replies" aria-current="page"'

    assert link in admin.get("/inbox/quick-replies").text and link in admin.get("/inbox/labels").text
    assert "/inbox/quick-replies" not in sign_in(app, "Ana").get("/inbox").text

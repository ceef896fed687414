"""Edits and revocations: in whatever order they come, people see what the message says now, and the old is kept."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.container import Gateway
from app.db.database import Database
from app.jobs.process import process_due
from app.models import Event, Message, MessageRevision
from app.services.messages.search_index import index_messages
from app.services.operations.audit import audit_balance
from app.services.processing.processor import ProcessNotifications
from tests.conftest import API_KEY, one_case_on_postgresql
from tests.factories import BO, SENT_AT, change, echo, message_body, notification, text

pytestmark = one_case_on_postgresql

Receive = Callable[..., None]
Get = Callable[..., Any]
W = "wamid.first"


def original() -> dict[str, Any]:
    return text("Hola", id=W)


def edit(body: str, at: int, id: str = "") -> dict[str, Any]:
    said = {"original_message_id": W, "message": {"type": "text", "text": {"body": body}}}
    this = text(id=id or f"wamid.edit{at}", timestamp=SENT_AT + at) | {"type": "edit", "edit": said}
    del this["text"]
    return this


def revocation() -> dict[str, Any]:
    this = text(id="wamid.revoke", timestamp=SENT_AT + 9) | {"type": "revoke", "revoke": {"original_message_id": W}}
    del this["text"]
    return this


@pytest.mark.parametrize("together", [False, True], ids=["apart", "in one POST"])
@pytest.mark.parametrize(
    "words", list(itertools.permutations(["said", "edit1", "edit2"])), ids=lambda words: "-".join(words)
)
def test_the_newest_edit_is_what_the_message_says(
    receive: Receive, get: Get, database: Database, words: Sequence[str], together: bool
) -> None:
    said = {"said": original(), "edit1": edit("Hola!", 1), "edit2": edit("Hola!!", 2)}
    items = [said[word] for word in words]

    receive(*([message_body(*items)] if together else [message_body(item) for item in items]))
    receive(message_body(edit("Hola!", 1)))  # once more, which changes nothing

    message = get(f"/api/messages/{W}")
    assert (message["message"], message["content"], message["flags"]) == ("Hola!!", {"body": "Hola!!"}, ["edited"])
    while index_messages(database):
        pass
    assert [each["id"] for each in get("/api/messages", q="hola")["data"]] == [message["id"]]
    timeline = get(f"/api/messages/{W}/timeline")["data"]
    told = sorted(each["message"] for each in timeline if each["what"] == "edited")
    assert told == ["Hola!", "Hola!!"]
    assert "Hola" in {each["previous"] for each in timeline if each["what"] == "edited"}
    assert audit_balance(database, deep=True).problems == []


def test_later_events_tell_of_the_new_text_and_an_edit_of_the_old_one(receive: Receive, get: Get) -> None:
    receive(message_body(original()), message_body(edit("Adiós", 1)), message_body(revocation()))

    revoked, edited, received = get("/api/events")["data"]
    assert [each["type"] for each in (received, edited, revoked)] == [
        "message.received", "message.edited", "message.revoked",
    ]  # fmt: skip
    assert (edited["data"]["message"]["message"], edited["data"]["previous"]["message"]) == ("Adiós", "Hola")
    assert (revoked["data"]["message"]["message"], revoked["data"]["message"]["flags"]) == (
        "Adiós", ["edited", "revoked"],
    )  # fmt: skip


def test_an_edited_caption_keeps_its_picture(receive: Receive, get: Get) -> None:
    picture = text(id=W) | {"type": "image", "image": {"id": "1", "mime_type": "image/png", "caption": "Old"}}
    said = {"original_message_id": W, "message": {"type": "image", "image": {"caption": "New"}}}
    change_ = text(id="wamid.e") | {"type": "edit", "edit": said}

    receive(message_body(picture), message_body(change_))

    content = get(f"/api/messages/{W}")["content"]
    assert (content["caption"], content["mime_type"]) == ("New", "image/png")


def test_an_edit_on_the_phone_that_comes_before_its_echo_waits(receive: Receive, get: Get) -> None:
    sent = echo(W, "Hola")
    said = {"original_message_id": W, "message": {"type": "text", "text": {"body": "Hola!"}}}
    changed = echo("wamid.e") | {"type": "edit", "edit": said}

    for each in (changed, sent):
        receive(notification(change(field="smb_message_echoes", message_echoes=[each])))

    assert get(f"/api/messages/{W}")["message"] == "Hola!"


def test_an_edit_of_another_numbers_message_does_not_wait_for_ours(receive: Receive, get: Get) -> None:
    receive(message_body(edit("forged", 1), number="700100200300499"), message_body(original()))

    message = get(f"/api/messages/{W}")
    assert (message["message"], message["flags"]) == ("Hola", [])


@pytest.mark.parametrize("late", ["the edit", "the message"])
def test_what_was_stored_while_the_other_was_planned_is_seen(
    gateway: Gateway,
    post_webhook: Callable[..., Any],
    get: Get,
    monkeypatch: pytest.MonkeyPatch,
    late: str,
) -> None:
    """Two workers, one with the message and one with its edit: whoever writes second finds what the first wrote.

    What names the same person waits for its turn anyway; here the edit comes from somebody's new number.
    """
    bodies = [message_body(edit("Hola!", 1) | {"from": BO}), message_body(original())]
    planned, meanwhile = (bodies[1], bodies[0]) if late == "the edit" else (bodies[0], bodies[1])
    other: list[bool] = []
    look_up = ProcessNotifications._load_stored_state

    def look_up_then_let_the_other_write(self: Any, work_items: Any, now: Any) -> Any:
        known = look_up(self, work_items, now)
        if not other:
            other.append(True)
            assert post_webhook(meanwhile).status_code == 200
            while process_due(gateway, lambda: False):
                pass
        return known

    monkeypatch.setattr(ProcessNotifications, "_load_stored_state", look_up_then_let_the_other_write)
    assert post_webhook(planned).status_code == 200
    while process_due(gateway, lambda: False):
        pass

    message = get(f"/api/messages/{W}")
    assert (message["message"], message["flags"]) == ("Hola!", ["edited"])


def test_erasing_a_person_takes_their_edits_along(
    client: FlaskClient, receive: Receive, database: Database, get: Get
) -> None:
    receive(message_body(original()), message_body(edit("A secret", 1)))
    waiting = edit("Another secret", 2, id="wamid.w")
    waiting["edit"]["original_message_id"] = "wamid.never"
    receive(message_body(waiting))
    (contact,) = get("/api/contacts")["data"]

    client.delete(f"/api/contacts/{contact['id']}", headers={"Authorization": f"Bearer {API_KEY}"})

    with database.read() as session:
        assert list(session.scalars(select(MessageRevision))) == []
        assert "secret" not in json.dumps([row.message for row in session.scalars(select(Message))])
        assert not any("secret" in row.data for row in session.scalars(select(Event)))

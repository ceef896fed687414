"""What processing makes of people who turn out to be one, of answers, and of messages that are changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select

from app.db.database import Database
from app.models import Contact, ContactAlias, Event, Message
from tests import factories

Receive = Callable[..., None]
Get = Callable[..., Any]


def test_two_contacts_become_one_with_their_whole_history(receive: Receive, database: Database) -> None:
    by_phone = factories.text("one", sender="34600111222")
    hidden = {key: value for key, value in factories.text("two").items() if key != "from"} | {"from_user_id": "ES.44"}
    both = factories.text("three", sender="34600111222") | {"from_user_id": "ES.44"}

    receive(*(factories.notification(factories.change(messages=[each])) for each in (by_phone, hidden, both)))

    with database.read() as session:
        contact = session.scalars(select(Contact)).one()
        assert (contact.wa_id, contact.user_id, contact.event_count) == ("34600111222", "ES.44", 3)
        assert session.scalar(select(func.count()).where(Message.contact_id == contact.id)) == 3
        assert session.scalar(select(func.count()).where(Event.contact_id == contact.id)) == 3
        assert session.scalar(select(func.count()).where(ContactAlias.contact_id == contact.id)) == 2


def test_an_answer_says_what_it_answers(receive: Receive, get: Get) -> None:
    question = factories.text("Which size?", id="wamid.question")
    answer = factories.text("The small one", id="wamid.answer") | {"context": {"id": "wamid.question", "from": "1"}}

    receive(factories.message_body(question), factories.message_body(answer))

    asked, answered = get("/api/messages/wamid.question"), get("/api/messages/wamid.answer")
    assert answered["context"]["message_id"] == "wamid.question"
    assert answered["context"]["id"] == asked["id"]


def test_an_edited_message_is_flagged_and_says_the_new_words(receive: Receive, get: Get) -> None:
    original = factories.text("Hola", id="wamid.first")
    change = {
        "type": "edit",
        "edit": {"original_message_id": "wamid.first", "message": {"type": "text", "text": {"body": "Hola!"}}},
    }
    revocation = {"type": "revoke", "revoke": {"original_message_id": "wamid.first"}}

    receive(
        factories.message_body(original),
        factories.message_body({**_envelope("wamid.edit"), **change}),
        factories.message_body({**_envelope("wamid.revoke"), **revocation}),
    )

    message = get("/api/messages/wamid.first")
    assert message["flags"] == ["edited", "revoked"] and message["message"] == "Hola!"
    types = [event["type"] for event in get("/api/events", after="0")["data"]]
    assert types == ["message.received", "message.edited", "message.revoked"]


def _envelope(wamid: str) -> dict[str, Any]:
    return {key: value for key, value in factories.text("", id=wamid).items() if key not in ("type", "text")}

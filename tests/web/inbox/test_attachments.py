"""Files and voice messages that a person sends from the composer."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.container import Gateway
from app.models import Message
from app.store.conversation_list import ConversationFilter
from tests.conftest import on_sqlite
from tests.conversion.making import picture, sound
from tests.factories import ANA, contact, message_body, text
from tests.people import Browser, sign_in

pytestmark = on_sqlite

JSON = {"Accept": "application/json"}


@pytest.fixture
def browser(app: Flask) -> Browser:
    return sign_in(app, "Lucía")


@pytest.fixture
def thread(receive: Callable[..., None], gateway: Gateway) -> str:
    """The id of Ana's conversation: she wrote a minute ago."""
    receive(message_body(text("Hola", timestamp=int(time.time()) - 60), contacts=[contact(ANA, "Ana")]))
    ((found,), _) = gateway.conversations.list(ConversationFilter(), limit=2)
    return found.id


def sent(gateway: Gateway) -> list[Message]:
    with gateway.database.read() as session:
        return list(session.scalars(select(Message).where(Message.direction == "outbound").order_by(Message.id)))


def form(content: bytes, name: str, **more: str) -> dict[str, Any]:
    return {"file": (BytesIO(content), name), "key": "k1", **more}


def test_a_picture_goes_out_with_its_caption_and_shows_in_the_thread(
    browser: Browser, thread: str, gateway: Gateway
) -> None:
    response = browser.post(f"/inbox/{thread}/files", data=form(picture("JPEG"), "a.jpg", caption="look"), headers=JSON)

    assert response.status_code == 202, response.text
    (message,) = sent(gateway)
    assert (message.id, message.message_type, message.content["caption"]) == (response.json["id"], "image", "look")
    assert f"/inbox/media/{message.content['id']}" in browser.get(f"/inbox/{thread}").text


def test_a_recording_is_a_voice_message(browser: Browser, thread: str, gateway: Gateway) -> None:
    recording = form(sound("webm", "libopus"), "voice.webm", voice="1")

    assert browser.post(f"/inbox/{thread}/files", data=recording, headers=JSON).status_code == 202
    (message,) = sent(gateway)
    assert (message.message_type, message.content["voice"]) == ("audio", True)


def test_the_same_form_sends_once(browser: Browser, thread: str, gateway: Gateway) -> None:
    answers = [
        browser.post(f"/inbox/{thread}/files", data=form(b"%PDF-1.7", "a.pdf"), headers=JSON) for _ in range(2)
    ]

    assert answers[0].json == answers[1].json
    assert [message.content["filename"] for message in sent(gateway)] == ["a.pdf"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (lambda: {"key": "k"}, "file"),
        (lambda: form(b"PK\x03\x04" + bytes(100), "a.zip"), "Meta takes as document"),
        (lambda: form(b"", "a.jpg"), "is empty"),
        (lambda: form(picture("JPEG"), "voice.webm", voice="1"), "Meta takes as voice"),
    ],
)
def test_what_cannot_be_sent_is_said(
    browser: Browser, thread: str, gateway: Gateway, data: Callable[[], dict[str, Any]], said: str
) -> None:
    response = browser.post(f"/inbox/{thread}/files", data=data(), headers=JSON)

    assert response.status_code == 422
    assert said in response.text
    assert sent(gateway) == []

"""The client against a gateway that listens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import responses

from app.container import Gateway
from tests.conftest import PostWebhook
from tests.factories import ANA, BO, PNID, change, contact, message_body, notification, text
from tests.jobs.media_meta import JPEG
from whatsapp_service_client import (
    Client,
    CursorGone,
    Forbidden,
    Invalid,
    NotFound,
    Refused,
    Unauthenticated,
    Unreachable,
    WindowClosed,
)

SEND = f"https://graph.example/v26.0/{PNID}/messages"
Receive = Callable[..., None]


def now_text(body: str = "Hola") -> dict[str, Any]:
    return text(body, timestamp=int(datetime.now(UTC).timestamp()))


@pytest.fixture
def wrote(receive: Receive) -> None:
    """Ana wrote some moments ago."""
    message = now_text("Hola, necesito ayuda")
    receive(notification(change(messages=[message], contacts=[contact()])))


def test_messages_are_read_page_by_page(caller: Client, receive: Receive) -> None:
    receive(message_body(*(now_text(f"number {index}") for index in range(5))))

    listed = caller.list_messages(limit=2, direction="inbound")

    assert [each["message"] for each in listed] == [f"number {index}" for index in (4, 3, 2, 1, 0)]
    first = listed.first()
    assert (len(first), first.next_cursor is not None) == (2, True)
    again = caller.list_messages(limit=2, direction="inbound", cursor=first.next_cursor)
    assert again.first()[0]["message"] == "number 2"
    one = caller.get_message(str(first[0]["message_id"]))
    assert one["id"] == first[0]["id"]
    assert [each["what"] for each in caller.get_message_timeline(one["id"])][0] == "received"
    assert not caller.list_messages(since=datetime.now(UTC) + timedelta(days=1)).first()


@responses.activate
@pytest.mark.usefixtures("wrote")
def test_a_send_is_made_once_for_a_key_and_its_errors_are_exceptions(
    caller: Client, url: str, receive: Receive
) -> None:
    receive(message_body(text(sender=BO)))  # in 2021
    responses.add_passthru(url)
    responses.post(SEND, json={"messages": [{"id": "wamid.one=="}], "contacts": [{"wa_id": ANA}]})

    sent = caller.send_text(f"+{ANA}", "Tu pedido ya salió", idempotency_key="order-1")
    again = caller.send_text(f"+{ANA}", "Tu pedido ya salió", idempotency_key="order-1")

    assert (sent["status"], again["id"]) == ("accepted", sent["id"])
    assert len([each for each in responses.calls if each.request.url == SEND]) == 1
    with pytest.raises(WindowClosed) as closed:
        caller.send_text(f"+{BO}", "Hola")
    assert not closed.value.retryable
    with pytest.raises(Invalid) as wrong:
        caller.send_message({"to": "nobody", "message": "Hola"})
    assert list(wrong.value.fields) == ["to"]
    assert "to: " in str(wrong.value)
    responses.replace(
        "POST", SEND, status=400, json={"error": {"code": 131026, "message": "undeliverable", "type": "OAuthException"}}
    )
    with pytest.raises(Refused) as refused:
        caller.send_text(f"+{ANA}", "Hola otra vez")
    assert (refused.value.meta["code"], refused.value.id is not None) == (131026, True)


@pytest.mark.usefixtures("wrote")
def test_what_is_queued_is_cancelled(caller: Client) -> None:
    tomorrow = datetime.now(UTC) + timedelta(hours=2)

    sent = caller.send_template(f"+{ANA}", "hello", "es", ["Ana"], mode="queued", send_at=tomorrow)
    done = caller.cancel_message(sent["id"])

    assert (sent["status"], done["status"]) == ("queued", "cancelled")


def test_a_key_of_less_and_a_wrong_key_are_told_apart(caller: Client, url: str) -> None:
    key = caller.add_key(name="crm", scopes=["read"], numbers=[PNID])["key"]

    with Client(url, key) as bound:
        assert bound.list_messages().first() == []
        with pytest.raises(Forbidden):
            bound.send_text(f"+{ANA}", "Hola")
    caller.revoke_key("crm")
    with Client(url, key) as revoked, pytest.raises(Unauthenticated):
        revoked.list_messages().first()
    with pytest.raises(NotFound):
        caller.get_message("none")
    with pytest.raises(Unreachable), Client("http://127.0.0.1:9", key, retries=0) as alone:
        alone.list_messages().first()


def test_events_are_followed_with_a_cursor(
    caller: Client, receive: Receive, post_webhook: PostWebhook, process_all: Callable[[], None]
) -> None:
    receive(message_body(now_text("one"), now_text("two")))

    stream = caller.events("0", type="message.received", limit=1, until_empty=True)
    assert [each["data"]["message"] for each in stream] == ["one", "two"]  # type: ignore[typeddict-item,call-overload]

    def write() -> None:
        post_webhook(message_body(now_text("three")))
        process_all()

    later = threading.Timer(0.2, write)
    later.start()
    going_on = caller.events(stream.cursor, wait=10)
    assert next(iter(going_on))["data"]["message"] == "three"  # type: ignore[typeddict-item,call-overload]
    later.join()


def test_a_cursor_of_another_database_says_where_to_go_on(caller: Client, receive: Receive) -> None:
    receive(message_body(now_text("one")))
    place = caller.events("newest", wait=0).next_page()[1]
    number, _, rest = place.partition("-")

    with pytest.raises(CursorGone) as gone:
        caller.events(f"{int(number) + 50}-{rest}" if rest else f"{int(number) + 50}").next_page()

    assert gone.value.start


def test_files_go_up_and_come_down(caller: Client, tmp_path: Path, gateway: Gateway) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(JPEG)

    uploaded = caller.upload_file(file, type="image")
    with caller.download_media(uploaded["id"]) as download:
        assert download.content_type == "image/jpeg"
        assert download.save(tmp_path / "copy.jpg") == len(JPEG)

    assert (tmp_path / "copy.jpg").read_bytes() == JPEG
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.usefixtures("wrote")
def test_contacts_and_conversations_are_read_and_changed(caller: Client) -> None:
    (ana,) = caller.list_contacts(phone=f"+{ANA}")
    changed = caller.change_contact(ana["id"], name="Ana María", notes=None)
    (conversation,) = caller.list_conversations(unread=True)
    answered = caller.answer_conversation(conversation["id"], {"message": "Hola, Ana"})
    thread = caller.get_thread(conversation["id"])

    assert (changed["name"], answered["status"]) == ("Ana María", "queued")
    assert [each["message"] for each in thread["data"]] == ["Hola, necesito ayuda", "Hola, Ana"]


@pytest.mark.parametrize("url", ["gateway.example", "ftp://gateway.example", ""])
def test_an_address_that_cannot_be_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="begins with http"):
        Client(url, "key")


def test_what_a_machine_is_set_up_with_is_found() -> None:
    client = Client.from_environment({"GATEWAY_URL": "https://gateway.example/", "API_KEY": "wsk"})

    assert client.transport.url == "https://gateway.example"

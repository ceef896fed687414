"""A Python handler fetches the file of its message through the gateway."""

from __future__ import annotations

from collections.abc import Callable

import responses

from tests.bots import Bots
from tests.conftest import on_sqlite
from tests.factories import message_body, text

Receive = Callable[..., None]
FILE = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=111222333"

pytestmark = on_sqlite


@responses.activate
def test_a_handler_has_the_file_of_its_message(
    bots: Bots, receive: Receive
) -> None:
    about = {"url": FILE, "mime_type": "image/jpeg", "id": "111222333", "messaging_product": "whatsapp"}
    responses.get("https://graph.example/v26.0/111222333", json=about)
    responses.get(FILE, body=b"\xff\xd8picture" * 100_000, content_type="image/jpeg")
    bots.load(
        """
        def register(on):
            @on.message(type="image")
            def answer(message, client):
                first, again = client.download(), client.download(message["content"]["media_id"])
                client.reply(f"{len(first)} {first[2:9].decode()} {first == again}")
        """
    )

    image = {"id": "111222333", "mime_type": "image/jpeg"}
    written = text(timestamp=int(bots.harness.clock().timestamp()))
    receive(message_body({**written, "type": "image", "image": image}))
    bots.harness.rounds()

    assert [message.message for message in bots.sent()] == ["900000 picture True"]


@responses.activate
def test_a_handler_sends_a_file_of_its_own(bots: Bots, receive: Receive) -> None:
    bots.load(
        """
        def register(on):
            @on.message
            def answer(message, client):
                picture = bytes.fromhex("89504e470d0a1a0a") + bytes(600_000)
                try:
                    client.upload(picture, type="voice")
                except client.Error as error:
                    client.reply(error.fields["file"][0])
                client.send({"document": {"id": client.upload(b"%PDF-1.7 a bill", "bill.pdf")}})
        """
    )

    receive(message_body(text(timestamp=int(bots.harness.clock().timestamp()))))
    bots.harness.rounds()

    refusal, bill = bots.sent()
    assert refusal.message.endswith("This file is image/png, 585 KB.")
    assert bill.content["filename"] == "bill.pdf"
    assert bill.message_type == "document"

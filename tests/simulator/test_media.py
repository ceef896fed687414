from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from urllib3 import encode_multipart_formdata

from tests.simulator.conftest import ANA, NUMBER, post_message
from tests.simulator.receiver import Receiver

TOKEN = {"Authorization": "Bearer EAAsimulated"}
CHAT = f"/simulator/api/chats/{NUMBER}/{ANA}/messages"
JPEG = b"\xff\xd8\xff picture"


def upload(client: FlaskClient, content: bytes = JPEG, mime_type: str = "image/jpeg") -> Any:
    # encoded here, because Flask's test client would leave a temporary file of a large body open
    fields = {"messaging_product": "whatsapp", "type": mime_type, "file": ("a.jpg", content, mime_type)}
    body, content_type = encode_multipart_formdata(fields)
    return client.post(f"/v26.0/{NUMBER}/media", data=body, content_type=content_type, headers=TOKEN)


def test_a_file_goes_up_and_comes_down_again(client: FlaskClient) -> None:
    media_id = upload(client).json["id"]

    file = client.get(f"/v26.0/{media_id}?phone_number_id={NUMBER}", headers=TOKEN).json
    content = client.get(file["url"], headers=TOKEN)

    assert (file["mime_type"], file["file_size"], file["id"]) == ("image/jpeg", len(JPEG), media_id)
    assert file["sha256"] == hashlib.sha256(JPEG).hexdigest()
    assert (content.data, content.mimetype) == (JPEG, "image/jpeg")


def test_a_url_is_worth_nothing_without_the_token(client: FlaskClient) -> None:
    media_id = upload(client).json["id"]
    url = client.get(f"/v26.0/{media_id}", headers=TOKEN).json["url"]

    assert client.get(url).status_code == 401
    assert client.get(url, headers={"Authorization": "Bearer other"}).status_code == 401


def test_a_url_lives_five_minutes_and_the_file_thirty_days(client: FlaskClient) -> None:
    media_id = upload(client).json["id"]
    url = client.get(f"/v26.0/{media_id}", headers=TOKEN).json["url"]

    client.post("/simulator/api/clock", json={"advance_seconds": 301})
    expired_url = client.get(url, headers=TOKEN).status_code
    still_there = client.get(f"/v26.0/{media_id}", headers=TOKEN).status_code
    client.post("/simulator/api/clock", json={"advance_seconds": 30 * 86400})

    assert (expired_url, still_there) == (404, 200)
    assert client.get(f"/v26.0/{media_id}", headers=TOKEN).status_code == 400


def test_a_deleted_file_is_gone(client: FlaskClient) -> None:
    media_id = upload(client).json["id"]

    deleted = client.delete(f"/v26.0/{media_id}?phone_number_id={NUMBER}", headers=TOKEN)

    assert deleted.json == {"success": True}
    assert client.get(f"/v26.0/{media_id}", headers=TOKEN).json["error"]["error_subcode"] == 33


@pytest.mark.parametrize(
    ("content", "mime_type", "code"),
    [
        (b"GIF89a", "image/gif", 100),
        (b"x" * (5 * 1024 * 1024 + 1), "image/jpeg", 131053),
        (b"x" * (500 * 1024 + 1), "image/webp", 131053),
    ],
)
def test_whatsapp_does_not_carry_every_file(client: FlaskClient, content: bytes, mime_type: str, code: int) -> None:
    assert upload(client, content, mime_type).json["error"]["code"] == code


@pytest.mark.parametrize("missing", ["messaging_product", "file"])
def test_an_upload_needs_all_its_parts(client: FlaskClient, missing: str) -> None:
    form: dict[str, Any] = {"messaging_product": "whatsapp", "file": (io.BytesIO(JPEG), "a.jpg", "image/jpeg")}
    del form[missing]

    answer = client.post(f"/v26.0/{NUMBER}/media", data=form, headers=TOKEN)

    assert answer.status_code == 400
    assert missing in answer.json["error"]["message"] + str(answer.json["error"].get("error_data"))


def test_a_file_sent_as_something_else_fails_by_status(client: FlaskClient, receiver: Receiver) -> None:
    media_id = upload(client).json["id"]

    answer = post_message(client, type="audio", audio={"id": media_id})

    assert answer.status_code == 200
    (status,) = receiver.wait(receiver.statuses, 1)
    assert status["errors"][0]["code"] == 131053


@pytest.mark.parametrize(
    ("kind", "mime_type", "magic"),
    [
        ("image", "image/png", b"\x89PNG"),
        ("audio", "audio/ogg; codecs=opus", b"OggS"),
        ("document", "application/pdf", b"%PDF"),
    ],
)
def test_a_customer_sends_a_sample_that_the_business_can_fetch(
    client: FlaskClient, receiver: Receiver, kind: str, mime_type: str, magic: bytes
) -> None:
    client.post(CHAT, json={"type": kind, "sample": True})

    (message,) = receiver.wait(receiver.messages, 1)
    file = client.get(f"/v26.0/{message[kind]['id']}", headers=TOKEN).json
    content = client.get(file["url"], headers=TOKEN).data
    directly = client.get(message[kind]["url"], headers=TOKEN).data
    assert message[kind]["mime_type"] == mime_type
    assert content.startswith(magic)
    assert directly == content


def test_a_customer_sends_a_file_of_their_own(client: FlaskClient, receiver: Receiver) -> None:
    file = {"data": "/9j/", "mime_type": "image/jpeg", "filename": "me.jpg"}

    client.post(CHAT, json={"type": "image", "file": file, "image": {"caption": "me"}})

    (message,) = receiver.wait(receiver.messages, 1)
    assert message["image"]["caption"] == "me"
    assert client.get(f"/simulator/api/files/{message['image']['id']}").data == b"\xff\xd8\xff"


@pytest.mark.parametrize(
    "file", [{"data": "???", "mime_type": "image/jpeg"}, {"data": "/9j/", "mime_type": "text/html"}, "me.jpg"]
)
def test_it_takes_no_file_that_whatsapp_would_not(client: FlaskClient, file: Any) -> None:
    assert client.post(CHAT, json={"type": "image", "file": file}).status_code == 400


def test_a_customers_document_may_be_of_any_type_but_a_business_sends_no_such(
    client: FlaskClient, receiver: Receiver
) -> None:
    file = {"data": "UEsFBgAA", "mime_type": "application/zip", "filename": "files.zip"}

    client.post(CHAT, json={"type": "document", "file": file})

    (message,) = receiver.wait(receiver.messages, 1)
    document = message["document"]
    assert (document["mime_type"], document["filename"]) == ("application/zip", "files.zip")
    assert client.get(f"/simulator/api/files/{document['id']}").data == b"PK\x05\x06\x00\x00"
    post_message(client, type="document", document={"id": document["id"]})
    (status,) = receiver.wait(receiver.statuses, 1)
    assert status["errors"][0]["code"] == 131053

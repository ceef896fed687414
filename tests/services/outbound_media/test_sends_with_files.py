"""Sends that name a file by our id: uploaded first, once for many, and sent once."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import responses
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.container import Gateway
from app.db.database import Database
from app.domain.outbound_media import OGG_OPUS
from app.models import Message, MetaUpload
from app.services.outbound_media import to_meta
from app.store import jobs, media
from app.store.meta_uploads import AWAITING
from tests.conftest import Clock
from tests.conversion.making import picture, sound
from tests.factories import PNID
from tests.services.outbound_media.conftest import MEDIA_URL, Uploaded, send_body, sent_contents
from tests.services.sending.conftest import URL, accept_all, status_of, told, waiting

Post = Callable[..., TestResponse]
Kept = Callable[..., str]
Prepare = Callable[[], None]
Work = Callable[..., None]
JPEG = picture("JPEG")
TOO_BIG = {"error": {"message": "x", "code": 131053, "error_data": {"details": "Media file size too big."}}}


@pytest.fixture(autouse=True)
def clock_of_files(gateway: Gateway, now: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.sends_awaiting_media, "_now", now)


def queue(post: Post, body: dict[str, Any], **more: Any) -> str:
    response = post("/send/whatsapp", body | {"mode": "queued"} | more)
    assert response.status_code == 202, response.get_json()
    return str(response.get_json()["id"])


def test_a_send_waits_until_its_file_is_at_meta_and_goes_out_with_metas_id(
    post: Post, kept: Kept, prepare: Prepare, work: Work, taking: Uploaded, graph: responses.RequestsMock,
    database: Database,
) -> None:  # fmt: skip
    accept_all(graph)
    media_id = kept(JPEG, "photo.jpg")

    message_id = queue(post, send_body("image", media_id, caption="look"))
    work()
    assert status_of(database, message_id) == "queued"
    prepare()
    work()

    assert status_of(database, message_id) == "accepted"
    (file,) = taking
    assert (file["content"], file["type"], file["part_type"]) == (JPEG, "image/jpeg", "image/jpeg")
    assert (file["messaging_product"], file["filename"]) == ("whatsapp", "photo.jpg")
    (body,) = sent_contents(graph)
    assert body["image"] == {"id": file["id"], "caption": "look"}
    assert told(database, message_id) == ["accepted"]


def test_what_is_shown_of_the_message_names_our_file(
    post: Post, kept: Kept, taking: Uploaded, database: Database
) -> None:
    media_id = kept(JPEG)

    message_id = queue(post, send_body("image", media_id))

    with database.read() as session:
        message = session.get(Message, message_id)
        assert message is not None and message.content == {"id": media_id}
    other = queue(post, send_body("image", media_id))
    with database.read() as session:
        assert [file.id for file in media.of_messages(session, [message_id, other])] == [media_id]


def test_one_content_is_uploaded_once_for_many_sends_until_near_the_end_of_metas_id(
    post: Post, kept: Kept, prepare: Prepare, work: Work, taking: Uploaded, graph: responses.RequestsMock, now: Clock
) -> None:
    accept_all(graph)
    ids = [kept(JPEG), kept(JPEG)]

    for number in range(10):
        queue(post, send_body("image", ids[number % 2], caption=str(number)))
    prepare()
    assert len(taking) == 1
    now.pass_by(days=28.5)
    queue(post, send_body("image", ids[0]), force=True)
    prepare()
    assert len(taking) == 1
    now.pass_by(hours=13)
    queue(post, send_body("image", ids[0]), force=True)
    prepare()

    assert len(taking) == 2


def test_a_file_that_is_at_meta_already_delays_no_send_not_even_a_synchronous_one(
    post: Post, kept: Kept, prepare: Prepare, work: Work, taking: Uploaded, graph: responses.RequestsMock
) -> None:
    accept_all(graph)
    media_id = kept(JPEG)
    queue(post, send_body("image", media_id))
    prepare()
    work()

    response = post("/send/whatsapp", send_body("image", media_id))

    assert response.status_code == 200
    assert [body["image"]["id"] for body in sent_contents(graph)] == [taking[0]["id"]] * 2


@pytest.mark.parametrize(
    ("kind", "more", "content", "becomes"),
    [
        ("audio", {"voice": True}, sound("webm", "libopus"), OGG_OPUS),
        ("audio", {}, sound("ogg", "libopus"), OGG_OPUS),
        ("audio", {}, sound("mp4", "aac"), "audio/mp4"),
        ("image", {}, picture("WEBP"), "image/jpeg"),
        ("sticker", {}, picture("PNG", "RGBA"), "image/webp"),
        ("document", {}, b"%PDF-1.7 a bill", "application/pdf"),
        ("document", {}, b"BEGIN:VCARD\nEND:VCARD", "text/plain"),
    ],
)
def test_a_file_of_any_kind_is_given_to_meta_as_meta_wants_it(
    post: Post, kept: Kept, prepare: Prepare, work: Work, taking: Uploaded, graph: responses.RequestsMock,
    kind: str, more: dict[str, Any], content: bytes, becomes: str,
) -> None:  # fmt: skip
    accept_all(graph)

    queue(post, send_body(kind, kept(content, "file.x"), **more))
    prepare()
    work()

    (file,) = taking
    assert file["type"] == becomes
    (body,) = sent_contents(graph)
    named = {"filename": {"application/pdf": "file.x.pdf", "text/plain": "file.x.vcf"}[becomes]} if (
        kind == "document") else {}
    assert {name: value for name, value in body[kind].items() if name != "filename"} == {"id": file["id"], **more}
    assert body[kind].get("filename", "").startswith("file") == bool(named)


def test_headers_of_templates_and_of_buttons_may_name_our_files(
    post: Post, kept: Kept, prepare: Prepare, work: Work, taking: Uploaded, graph: responses.RequestsMock
) -> None:
    accept_all(graph)
    media_id = kept(JPEG)
    header = {"type": "header", "parameters": [{"type": "image", "image": {"id": media_id}}]}
    template = {"name": "sale", "language": {"code": "es"}, "components": [header]}
    buttons = {
        "type": "button", "header": {"type": "image", "image": {"id": media_id}}, "body": {"text": "?"},
        "action": {"buttons": [{"type": "reply", "reply": {"id": "1", "title": "Yes"}}]},
    }  # fmt: skip
    to = send_body("image", media_id)["to"]

    queue(post, {"to": to, "type": "template", "template": template})
    queue(post, {"to": to, "type": "interactive", "interactive": buttons})
    prepare()
    work()

    sent = json.dumps(sent_contents(graph))
    assert len(taking) == 1
    assert sent.count(f'"id": "{taking[0]["id"]}"') == 2
    assert media_id not in sent


def test_an_id_of_metas_passes_as_before(
    post: Post, work: Work, prepare: Prepare, graph: responses.RequestsMock, gateway: Gateway
) -> None:
    accept_all(graph)

    queue(post, send_body("image", "1234567890"))
    work()

    assert sent_contents(graph)[0]["image"] == {"id": "1234567890"}
    assert not jobs.any_due(gateway.database, AWAITING, gateway.now())


@pytest.mark.parametrize(
    ("body", "path", "said"),
    [
        (send_body("image", "01234567-89ab-7def-8123-456789abcdef"), "image.id", "names no file of this number"),
        (send_body("video", "OURS"), "video.id", "Meta takes as video: MP4 or 3GP (H.264 and AAC), up to 16 MB."),
        (send_body("document", "OURS"), "document.id", "This file is image/jpeg"),
    ],
)
def test_a_file_that_is_not_there_or_that_meta_would_not_take_is_refused_at_once(
    post: Post, kept: Kept, database: Database, body: dict[str, Any], path: str, said: str
) -> None:
    kind = str(body["type"])
    if body[kind]["id"] == "OURS":
        body = body | {kind: {"id": kept(JPEG)}}

    response = post("/send/whatsapp", body)

    assert response.status_code == 422
    assert said in response.get_json()["error"]["fields"][path][0]
    assert waiting(database) == []


def test_a_file_that_cannot_be_converted_fails_its_sends_with_the_reason_and_a_retry_tries_again(
    post: Post, kept: Kept, prepare: Prepare, work: Work, taking: Uploaded, graph: responses.RequestsMock,
    database: Database, now: Clock,
) -> None:  # fmt: skip
    broken = kept(sound("webm", "libopus")[:300], "v.webm")

    ids = [queue(post, send_body("audio", broken, voice=True)) for _ in range(2)]
    prepare()

    for message_id in ids:
        assert status_of(database, message_id) == "failed"
        assert told(database, message_id) == ["failed"]
    with database.read() as session:
        error = session.scalars(select(Message.error).where(Message.id == ids[0])).one()
    assert "cannot be read as video/webm" in (error or {})["title"]
    assert waiting(database) == [] and taking == []
    now.pass_by(seconds=60)
    assert post(f"/api/messages/{ids[0]}/retry").status_code == 202
    assert status_of(database, ids[0]) == "queued"
    prepare()
    assert told(database, ids[0]) == ["failed", "queued", "failed"]


def test_what_meta_says_of_a_file_fails_the_send(
    post: Post, kept: Kept, prepare: Prepare, graph: responses.RequestsMock, database: Database
) -> None:
    graph.post(MEDIA_URL, status=400, json={"error": {"message": "x", "code": 100, "error_data": {"details": "no"}}})

    message_id = queue(post, send_body("image", kept(JPEG)))
    prepare()

    with database.read() as session:
        message = session.get(Message, message_id)
        assert message is not None and message.error is not None
        assert (message.status, message.error["code"], message.error["details"]) == ("failed", 100, "no")


def test_an_upload_is_repeated_after_a_failure_and_the_send_goes_out_once(
    post: Post, kept: Kept, prepare: Prepare, work: Work, graph: responses.RequestsMock, database: Database, now: Clock
) -> None:
    accept_all(graph)
    graph.post(MEDIA_URL, status=503, json={"error": {"message": "x", "code": 131016}})
    graph.post(MEDIA_URL, body=requests.ConnectionError())
    graph.post(MEDIA_URL, json={"id": "4711"})

    message_id = queue(post, send_body("image", kept(JPEG)))
    for _ in range(12):
        prepare()
        now.pass_by(seconds=1)
    work()

    assert status_of(database, message_id) == "accepted"
    assert [body["image"]["id"] for body in sent_contents(graph)] == ["4711"]


def test_an_upload_that_fails_again_and_again_fails_the_send_in_the_end(
    post: Post, kept: Kept, prepare: Prepare, graph: responses.RequestsMock, database: Database, now: Clock
) -> None:
    graph.post(MEDIA_URL, status=400, json=TOO_BIG)

    message_id = queue(post, send_body("image", kept(JPEG)))
    for _ in range(200):
        prepare()
        now.pass_by(seconds=10)
        if status_of(database, message_id) == "failed":
            break

    with database.read() as session:
        message = session.get(Message, message_id)
        assert message is not None and message.error is not None
        assert message.error["details"] == "Media file size too big."


def test_an_id_that_meta_has_forgotten_is_uploaded_again_by_a_retry(
    post: Post, kept: Kept, prepare: Prepare, work: Work, taking: Uploaded, graph: responses.RequestsMock,
    database: Database,
) -> None:  # fmt: skip
    unknown = {"error": {"message": "x", "code": 100, "error_data": {"details": "not a valid media attachment ID"}}}
    graph.post(URL, status=400, json=unknown)

    message_id = queue(post, send_body("image", kept(JPEG)))
    prepare()
    work()
    assert status_of(database, message_id) == "failed"
    with database.read() as session:
        assert session.scalars(select(MetaUpload)).all() == []
    assert post(f"/api/messages/{message_id}/retry").status_code == 202
    prepare()

    assert len(taking) == 2


def test_a_cancelled_send_is_neither_uploaded_nor_sent(
    post: Post, kept: Kept, prepare: Prepare, work: Work, taking: Uploaded, graph: responses.RequestsMock,
    gateway: Gateway,
) -> None:  # fmt: skip
    message_id = queue(post, send_body("image", kept(JPEG)))

    assert post(f"/api/messages/{message_id}/cancel").status_code == 200
    prepare()
    work()

    assert taking == [] and sent_contents(graph) == []
    assert not jobs.any_due(gateway.database, AWAITING, gateway.now() + timedelta(days=1))


def test_a_batch_that_is_paused_and_resumed_sends_nothing_before_its_file_is_at_meta(
    post: Post, kept: Kept, prepare: Prepare, work: Work, taking: Uploaded, graph: responses.RequestsMock,
    database: Database,
) -> None:  # fmt: skip
    accept_all(graph)
    media_id = kept(JPEG)
    batch = post("/api/messages/bulk", {"messages": [send_body("image", media_id)] * 3}).get_json()["batch"]

    post(f"/api/batches/{batch}/pause")
    post(f"/api/batches/{batch}/resume")
    work()
    assert sent_contents(graph) == []
    post(f"/api/batches/{batch}/pause")
    prepare()
    work()
    assert sent_contents(graph) == []
    post(f"/api/batches/{batch}/resume")
    work()

    assert [body["image"]["id"] for body in sent_contents(graph)] == [taking[0]["id"]] * 3


def test_a_synchronous_caller_waits_for_the_file_and_for_meta(
    post: Post, kept: Kept, prepare: Prepare, work: Work, taking: Uploaded, graph: responses.RequestsMock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    accept_all(graph)
    body = send_body("image", kept(JPEG))

    def worker_runs(seconds: float) -> None:
        prepare()
        work()

    monkeypatch.setattr("app.services.sending.sent.time", SimpleNamespace(monotonic=time.monotonic, sleep=worker_runs))
    response = post("/send/whatsapp", body, **{"Idempotency-Key": "one"})

    assert response.status_code == 200
    assert response.get_json()["message_id"].startswith("wamid.")
    assert response.get_json()["status"] == "accepted"
    again = post("/send/whatsapp", body, **{"Idempotency-Key": "one"})
    assert (again.status_code, again.get_json()["id"]) == (200, response.get_json()["id"])
    assert len(sent_contents(graph)) == 1


def test_a_synchronous_caller_is_told_of_a_file_that_cannot_be_sent_and_of_one_that_takes_long(
    post: Post, kept: Kept, prepare: Prepare, taking: Uploaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.sending.sent.WAIT_SECONDS", 0.0)
    late = post("/send/whatsapp", send_body("image", kept(JPEG)))
    assert (late.status_code, late.get_json()["status"]) == (202, "queued")

    monkeypatch.setattr("app.services.sending.sent.WAIT_SECONDS", 20.0)
    waiting_time = SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: prepare())
    monkeypatch.setattr("app.services.sending.sent.time", waiting_time)
    refused = post("/send/whatsapp", send_body("audio", kept(sound("webm", "libopus")[:300], "v.webm")))
    assert refused.status_code == 422
    assert refused.get_json()["error"]["code"] == "refused"
    assert "damaged" in refused.get_json()["error"]["message"]


def test_a_file_that_a_customer_sent_can_be_sent_on(
    post: Post, kept: Kept, prepare: Prepare, taking: Uploaded, database: Database
) -> None:
    media_id = kept(JPEG)

    queue(post, send_body("image", media_id))
    prepare()

    with database.read() as session:
        row = session.scalars(select(MetaUpload)).one()
    assert (row.phone_number_id, row.purpose, row.meta_media_id) == (PNID, "image", taking[0]["id"])


def test_a_full_disk_puts_a_send_off_and_fails_none(
    post: Post, kept: Kept, prepare: Prepare, work: Work, taking: Uploaded, graph: responses.RequestsMock,
    database: Database, now: Clock, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    accept_all(graph)
    message_id = queue(post, send_body("image", kept(JPEG)))

    def full(**_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(to_meta.tempfile, "TemporaryFile", full)
        prepare()
    assert status_of(database, message_id) == "queued"
    now.pass_by(minutes=1)
    prepare()
    work()

    assert len(taking) == 1 == len(sent_contents(graph))

"""Fetching customers' files: what is fetched from where, how often, and what hostile answers achieve (nothing)."""

from __future__ import annotations

import gzip
import io
import socket
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from flask.testing import FlaskClient

from app.clock import utc_now
from app.container import Gateway
from app.domain.media_types import SHOWN
from app.graph import client as graph_client
from app.graph import transport
from app.services.media import fetch as fetch_module
from app.store import media as store
from tests.conftest import API_KEY, Clock, on_sqlite
from tests.factories import OTHER_PNID, PNID, change, message_body, notification, text
from tests.graph.far_end import FarEnd, far_end
from tests.jobs.media_meta import JPEG, FakeMeta, Lane, Receive, answer, digest, fake_meta, media_message

HEADERS = {"Authorization": f"Bearer {API_KEY}"}


@pytest.fixture
def meta() -> Iterator[FakeMeta]:
    with fake_meta() as found:
        yield found


@pytest.fixture
def lane(gateway: Gateway, meta: FakeMeta, clock: Clock) -> Lane:
    clock.now = utc_now()
    return Lane(gateway, meta, clock)


def test_a_file_is_fetched_from_its_webhooks_url_while_that_is_fresh(
    lane: Lane, meta: FakeMeta, receive: Receive, client: FlaskClient
) -> None:
    meta.says["/file"] = answer(JPEG)
    receive(message_body(media_message(url=meta.url(), sha256=digest(JPEG), mime_type="video/mp4")))
    lane.run()

    (row,) = lane.files()
    assert (row.state, row.mime_type, row.size, row.url, row.reason) == ("stored", "image/jpeg", len(JPEG), None, None)
    assert meta.paths() == ["/file"] and lane.jobs() == []
    assert b"authorization: bearer eaatoken" in meta.end.requests[0].lower()
    assert client.get(f"/media/{row.id}", headers=HEADERS).data == JPEG
    assert lane.half_received() == []


def test_a_message_tells_the_size_of_its_file_once_it_is_stored_and_after_an_edit(
    lane: Lane, meta: FakeMeta, receive: Receive, client: FlaskClient
) -> None:
    meta.says["/file"] = answer(JPEG)
    message = media_message(url=meta.url(), caption="look")
    receive(message_body(message))

    def content() -> dict[str, Any]:
        found: dict[str, Any] = client.get("/api/messages", headers=HEADERS).get_json()["data"][0]["content"]
        return found

    assert content()["size"] is None
    lane.run()
    assert (content()["size"], content()["caption"]) == (len(JPEG), "look")

    said = {"type": "image", "image": {"id": "111", "caption": "better"}}
    edit = {**text(), "type": "edit", "edit": {"original_message_id": message["id"], "message": said}}
    receive(message_body({name: value for name, value in edit.items() if name != "text"} | {"id": "wamid.EDIT"}))

    assert (content()["size"], content()["caption"]) == (len(JPEG), "better")
    event = client.get("/api/events?type=message.edited", headers=HEADERS).get_json()["data"][0]
    assert event["data"]["message"]["content"]["size"] == len(JPEG)


@on_sqlite
def test_an_old_url_is_not_tried_and_one_that_fails_is_replaced_by_graph(
    lane: Lane, meta: FakeMeta, receive: Receive
) -> None:
    meta.says |= {"/old": answer(b"", "404 Not Found"), "/file": answer(JPEG)}
    meta.info()
    receive(message_body(media_message(url=meta.url("/old"))))
    lane.run()
    assert meta.paths() == ["/old", "/v26.0/111", "/file"]

    receive(message_body(media_message(url=meta.url("/old"))))
    lane.later(minutes=5)

    assert meta.paths()[3:] == ["/v26.0/111", "/file"]
    assert [row.state for row in lane.files()] == ["stored", "stored"]


@on_sqlite
def test_it_tries_again_with_growing_pauses_until_metas_copy_dies(
    lane: Lane, meta: FakeMeta, receive: Receive, client: FlaskClient
) -> None:
    receive(message_body(media_message()))
    pauses: list[float] = []
    for _ in range(200):
        lane.run()
        if not lane.jobs():
            break
        pauses.append((lane.jobs()[0].due_at - lane.clock.now).total_seconds())
        lane.clock.now = lane.jobs()[0].due_at

    (row,) = lane.files()
    assert (row.state, "no such file" in (row.reason or "")) == ("gone", True)
    assert 30 < len(pauses) < 50
    assert pauses[0] < 2 and pauses[3] > 30 and max(pauses) > 4 * 3600
    assert (lane.clock.now - row.created_at).days == 7
    assert client.get(f"/media/{row.id}", headers=HEADERS).status_code == 410


@on_sqlite
def test_a_token_that_is_repaired_after_days_still_gets_the_file(
    lane: Lane, meta: FakeMeta, receive: Receive
) -> None:
    meta.says["/v26.0/111"] = answer(b'{"error":{"code":190,"message":"expired"}}', "401 Unauthorized")
    receive(message_body(media_message()))
    lane.run()
    lane.later(days=3)
    assert lane.files()[0].state == "pending" and "token" in str(lane.files()[0].reason)

    meta.info()
    meta.says["/file"] = answer(JPEG)
    lane.later(hours=8)

    assert (lane.files()[0].state, lane.files()[0].reason) == ("stored", None)


def test_the_same_content_is_stored_once_and_deleted_with_its_last_user(
    lane: Lane, meta: FakeMeta, receive: Receive, gateway: Gateway
) -> None:
    meta.info()
    meta.says["/file"] = answer(JPEG)
    receive(message_body(media_message(), media_message()), message_body(media_message()))
    lane.run()
    assert gateway.media_work is not None
    discard = gateway.media_work.discard
    while discard():
        pass
    rows = lane.files()
    assert [row.state for row in rows] == ["stored"] * 3
    assert len(list(lane.vault.keys())) == 1

    for left in (2, 1, 0):
        with gateway.database.write() as session:
            store.release(session, [rows[left].id], utc_now())
        discard()
        assert len(list(lane.vault.keys())) == (1 if left else 0)
    assert {row.state for row in lane.files()} == {"erased"}


def test_a_file_that_is_erased_while_it_is_fetched_leaves_nothing(
    lane: Lane, meta: FakeMeta, receive: Receive, gateway: Gateway
) -> None:
    receive(message_body(media_message()))
    media_id = lane.files()[0].id

    def erase_first(connection: socket.socket) -> None:
        with gateway.database.write() as session:
            store.release(session, [media_id], utc_now())
        connection.sendall(answer(JPEG))

    meta.info()
    meta.says["/file"] = erase_first
    lane.run()
    assert gateway.media_work is not None
    gateway.media_work.discard()

    assert (lane.files()[0].state, list(lane.vault.keys()), lane.jobs()) == ("erased", [], [])


@on_sqlite
def test_numbers_take_turns_and_histories_wait_in_their_own_queue(
    gateway: Gateway, meta: FakeMeta, clock: Clock, receive: Receive
) -> None:
    meta.says["/file"] = answer(JPEG)
    for name in ("111", "222"):
        meta.info(name)
    old = media_message() | {"history_context": {"status": "READ"}, "to": "34600111222"}
    thread = {"id": "34600111222", "messages": [old]}
    history = change(field="history", history=[{"metadata": {"phase": 0}, "threads": [thread]}])
    receive(
        notification(history),
        message_body(*(media_message() for _ in range(5))),
        message_body(media_message(id="222"), number=OTHER_PNID),
    )
    clock.now = utc_now()
    queue = Lane(gateway, meta, clock).lane._queue

    first = [wanted.file.phone_number_id for wanted in queue.claim(store.LIVE, 3)]

    assert first.count(OTHER_PNID) == 1 and first.count(PNID) == 2


@on_sqlite
def test_a_stopping_worker_gives_its_fetches_back(
    lane: Lane, meta: FakeMeta, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.fetch_media.DRAIN_SECONDS", 0.05)
    meta.info()
    meta.says["/file"] = lambda connection: bool(meta.end.stopped.wait(5))  # type: ignore[assignment,return-value]
    receive(message_body(media_message()))
    lane.clock.now = utc_now()
    lane.lane.work()
    lane.lane.stop()

    (job,) = lane.jobs()
    assert (job.claim_id, job.due_at <= lane.clock.now) == (None, True)


def test_a_webhook_that_comes_again_brings_no_second_file(lane: Lane, receive: Receive) -> None:
    body = message_body(media_message())
    receive(body, body, body)

    assert len(lane.files()) == len(lane.jobs()) == 1


# --- Hostile answers: after each, what is stored is what was announced, or nothing.

EVIL = b"<html><script>alert(1)</script>"


def bomb_png() -> bytes:
    """A picture of 60,000 by 60,000 points in some kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(4_000_000)))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def bomb_docx() -> bytes:
    """An Office file whose parts are a thousand times as large as they look."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("[Content_Types].xml", "word/document.xml"):
            archive.writestr(name, bytes(5_000_000))
    return file.getvalue()


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(100_000):
        connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def stalling(connection: socket.socket) -> None:
    connection.sendall(answer(JPEG)[:1000])
    time.sleep(0.5)


def dripping(connection: socket.socket) -> None:
    connection.sendall(answer(JPEG)[:1000])
    for _ in range(30):
        connection.sendall(b"x")
        time.sleep(0.05)


def breaking_off(connection: socket.socket) -> None:
    connection.sendall(answer(JPEG)[:1000])
    connection.shutdown(socket.SHUT_RDWR)


GZIPPED = gzip.compress(bytes(1_000_000))
LIES: dict[str, Any] = {
    "redirect to the metadata address": answer(b"", "302 Found", "Location: http://169.254.169.254/latest/meta-data/"),
    "redirect to another host": answer(b"", "301 Moved", "Location: {evil}/x"),
    "redirect with the method kept": answer(b"", "307 Temporary", "Location: {evil}/x"),
    "redirect to a file": answer(b"", "302 Found", "Location: file:///etc/passwd"),
    "redirect to the same host": answer(b"", "302 Found", "Location: /other"),
    "refresh": answer(b"", "403 No", "Refresh: 0; url={evil}/x"),
    "endless": endless,
    "announced as a gigabyte": answer(b"xx", length=1 << 30),
    "announced as too many digits": answer(b"xx").replace(b"Length: 2", b"Length: " + b"9" * 30),
    "shorter than announced": breaking_off,
    "longer than announced": answer(JPEG + b"more", length=len(JPEG) - 4),
    "another content": answer(JPEG[:-1] + b"X"),
    "nothing": answer(b""),
    "stalling": stalling,
    "dripping": dripping,
    "packed": answer(GZIPPED, "200 OK", "Content-Encoding: gzip"),
    "packed twice": answer(GZIPPED, "200 OK", "Content-Encoding: gzip, gzip"),
    "packed as nobody can": answer(GZIPPED, "200 OK", "Content-Encoding: br"),
    "chunks of no size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "chunks of negative size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nxx\r\n0\r\n\r\n",
    "a chunk of all bytes there are": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\nxx",
    "an endless header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    "thousands of headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
    "no HTTP": b"\x16\x03\x01 hello\r\n\r\n",
    "a part": answer(JPEG[:10], "206 Partial Content", "Content-Range: bytes 0-9/99"),
    "an error": answer(EVIL, "500 Oh"),
    "an error page as a file": answer(EVIL, "404 Not Found", "Content-Type: image/jpeg"),
    "silence": breaking_off,
}  # fmt: skip


@pytest.fixture
def evil() -> Iterator[FarEnd]:
    """Another host, which must not be asked for anything."""
    with far_end(lambda connection: connection.sendall(answer(JPEG))) as end:
        yield end
        assert end.requests == []


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_module, "largest_received", lambda kind: 300_000)
    monkeypatch.setattr(transport, "STALL_SECONDS", 0.15)
    monkeypatch.setattr(graph_client, "FILE_SECONDS", 0.6)


@on_sqlite
@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize("by_id", [False, True], ids=["by the webhook's URL", "by Graph's URL"])
def test_a_lying_answer_stores_nothing(
    lane: Lane, meta: FakeMeta, receive: Receive, evil: FarEnd, by_id: bool
) -> None:
    meta.info()
    where = {} if by_id else {"url": meta.url(), "id": None}
    for name, lie in LIES.items():
        meta.says["/file"] = lie.replace(b"{evil}", evil.url.encode()) if isinstance(lie, bytes) else lie
        receive(message_body(media_message(sha256=digest(JPEG), **where)))
        lane.run()

        (row,) = lane.files()
        assert row.state in ("pending", "refused") and row.reason and row.sha256 is None, name
        assert list(lane.vault.keys()) == lane.half_received() == [], name
        lane.forget()
    assert set(meta.paths()) <= {"/v26.0/111", "/file"}
    assert len(meta.end.requests) >= len(LIES)


URLS = [
    "{evil}/x", "{evil}:80@127.0.0.1/", "http://169.254.169.254/latest/meta-data/", "https://169.254.169.254/",
    "http://localhost:6379/", "http://[::1]/", "file:///etc/passwd", "ftp://lookaside.fbsbx.com/x", "gopher://x/",
    "//lookaside.fbsbx.com/x", "http://lookaside.fbsbx.com/x", "https://lookaside.fbsbx.com.evil.example/x",
    "https://evil.example/#lookaside.fbsbx.com", "https://lookaside.fbsbx.com@evil.example/",
    "https://evil.example\\@lookaside.fbsbx.com/", "https://lookaside.fbsbx.com:8443/", "https://fbsbx.com.:443/",
    "javascript:alert(1)", "data:image/jpeg;base64,AAAA", "", " ", "\x00", "https://[", "x" * 5000,
    "https://lookaside.fbsbx.com\r\nHost: evil.example/",
]  # fmt: skip


@on_sqlite
@pytest.mark.parametrize("by_graph", [False, True], ids=["in the webhook", "in Graph's answer"])
def test_no_url_leads_to_another_host(
    lane: Lane, meta: FakeMeta, receive: Receive, evil: FarEnd, by_graph: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def connect(address: tuple[str, int], *arguments: Any, **named: Any) -> socket.socket:
        asked.append(f"{address[0]}:{address[1]}")
        return made(address, *arguments, **named)

    made = urllib3.util.connection.create_connection
    monkeypatch.setattr(urllib3.util.connection, "create_connection", connect)
    meta.says["/file"] = answer(JPEG)
    for url in [each.replace("{evil}", evil.url) for each in URLS]:
        meta.info(**({"url": url} if by_graph else {}))
        receive(message_body(media_message(**({} if by_graph else {"url": url}))))
        lane.run()

        (row,) = lane.files()
        assert row.state == ("pending" if by_graph else "stored"), url
        lane.forget()
    assert set(asked) == {f"127.0.0.1:{meta.end.port}"}


@on_sqlite
def test_an_id_that_is_none_of_metas_is_never_asked_for(lane: Lane, meta: FakeMeta, receive: Receive) -> None:
    ids = ["../../me", "1/../2", "%2e%2e", "me", "1?access_token=x", "1" * 31, "１２３", ""]

    receive(message_body(*(media_message(id=each) for each in ids)))
    lane.run()

    assert meta.paths() == [] and [row.state for row in lane.files()] == ["pending"] * (len(ids) - 1)


@on_sqlite
def test_an_odd_answer_of_graph_is_only_another_failure(lane: Lane, meta: FakeMeta, receive: Receive) -> None:
    odd = [b"", b"[]", b"{}", b'{"url": null}', b'{"url": {"a": 1}}', b"<html>", b'{"url": 5}', b"[" * 100_000,
           b"\xff\xfe", b'{"url": "' + b"x" * 9_000_000 + b'"}']  # fmt: skip
    for said in odd:
        meta.says["/v26.0/111"] = answer(said)
        receive(message_body(media_message()))
        lane.run()

        assert [(row.state, bool(row.reason)) for row in lane.files()] == [("pending", True)], said[:20]
        lane.forget()


CONTENTS: dict[str, tuple[bytes, str]] = {
    "a page named as a picture": (EVIL, "text/html"),
    "a drawing with a script": (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml"),
    "a picture of too many points": (bomb_png(), "image/png"),
    "a letter that unpacks without end": (
        bomb_docx(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    ),
    "a picture that is a script": (b"GIF89a/*" + b"\0" * 10 + b"*/=1;alert(1)//", "image/gif"),
    "a page behind a picture": (JPEG[:100] + EVIL, "image/jpeg"),
    "an archive behind a picture": (JPEG[:100] + bomb_docx(), "image/jpeg"),
    "a page before a PDF": (EVIL + b"%PDF-1.4", "text/html"),
    "a PDF before a page": (b"%PDF-1.4\n" + EVIL, "application/pdf"),
    "a script": (b"#!/bin/sh\nrm -rf /\n", "text/plain"),
    "a program": (b"MZ" + bytes(200), "application/octet-stream"),
}  # fmt: skip
NAMES = [
    "../../../etc/cron.d/x", "/etc/passwd", "..\\..\\x.exe", "a\x00b.jpg", "x" * 5000, "CON.jpg", "\u202egpj.exe", "",
]  # fmt: skip


@on_sqlite
def test_a_hostile_content_is_stored_as_bytes_and_answered_as_what_it_is(
    lane: Lane, meta: FakeMeta, receive: Receive, client: FlaskClient, tmp_path: Path
) -> None:
    meta.info()
    for place, (name, (content, mime_type)) in enumerate(CONTENTS.items()):
        meta.says["/file"] = answer(content, "200 OK", "Content-Type: image/jpeg")
        filename = NAMES[place % len(NAMES)]
        receive(message_body(media_message("document", filename=filename, sha256=digest(content))))
        before = time.process_time()
        lane.run()

        (row,) = lane.files()
        file = client.get(f"/media/{row.id}", headers=HEADERS)
        assert (row.state, row.mime_type, row.size) == ("stored", mime_type, len(content)), name
        assert time.process_time() - before < 2, name
        assert file.data == content, name
        is_shown = file.headers["Content-Disposition"].startswith("inline")
        assert is_shown == (mime_type in SHOWN) and "html" not in file.headers["Content-Type"], name
        assert "svg" not in file.headers["Content-Type"] and "/" not in file.headers["Content-Disposition"], name
        written = [path for path in tmp_path.rglob("*") if path.is_file() and content in path.read_bytes()]
        assert written == [lane.vault.folder / key for key in lane.vault.keys()], name
        lane.forget()


def test_a_wrong_content_is_refused_after_the_third_time(lane: Lane, meta: FakeMeta, receive: Receive) -> None:
    meta.info()
    meta.says["/file"] = answer(b"another")
    receive(message_body(media_message(sha256=digest(JPEG))))
    lane.run()
    states = [lane.files()[0].state]
    for _ in range(2):
        lane.later(minutes=1)
        states.append(lane.files()[0].state)

    assert states == ["pending", "pending", "refused"] and lane.jobs() == []


@on_sqlite
def test_a_full_disk_only_delays(lane: Lane, meta: FakeMeta, receive: Receive, monkeypatch: pytest.MonkeyPatch) -> None:
    meta.info()
    meta.says["/file"] = answer(JPEG)
    receive(message_body(media_message()))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", "/secret/path")

    with monkeypatch.context() as patch:
        patch.setattr("app.vault.spool._write", full)
        lane.run()
    assert lane.half_received() == []
    (row,) = lane.files()
    assert row.state == "pending" and "the disk is full" in str(row.reason) and "secret" not in str(row.reason)

    lane.later(minutes=1)

    assert lane.files()[0].state == "stored"

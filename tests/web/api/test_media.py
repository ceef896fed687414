"""Files of messages over HTTP: their rows, their content, and links to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import responses
from flask.testing import FlaskClient

from app.clock import utc_now
from app.container import Gateway
from app.domain.media import MediaState
from app.domain.media_types import detect
from app.domain.people import Person
from app.store import media as store
from tests.conftest import API_KEY, on_sqlite
from tests.factories import OTHER_PNID, PNID, message_body, text

Receive = Callable[..., None]
Get = Callable[..., Any]
HEADERS = {"Authorization": f"Bearer {API_KEY}"}
FILE = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=111222333"
META = "https://graph.example/v26.0/111222333"
JPEG = b"\xff\xd8\xffpicture" * 10_000

pytestmark = on_sqlite


def status_of(client: FlaskClient, path: str, **headers: str) -> int:
    """The status of an answer that is read to its end, as servers do."""
    return client.get(path, headers=headers, buffered=True).status_code


@pytest.fixture
def meta() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as graph:
        yield graph


def give(meta: responses.RequestsMock, url: str = FILE, **more: Any) -> None:
    meta.get(META, json={"url": url, "mime_type": "image/jpeg", "id": "111222333", "messaging_product": "whatsapp"})
    meta.get(FILE, **({"body": JPEG, "content_type": "image/jpeg"} | more))


def image(**more: Any) -> dict[str, Any]:
    content = {"id": "111222333", "mime_type": "image/jpeg", "sha256": "q83v", "url": FILE, **more}
    return {**text(), "type": "image", "image": content}


@pytest.fixture
def kept(gateway: Gateway, receive: Receive, client: FlaskClient) -> Callable[..., str]:
    """A file of a customer's that is in the vault, by the path of its message's `content.url`."""

    def keep(content: bytes = JPEG, **about: Any) -> str:
        receive(message_body(image(**about)))
        media_id = client.get("/api/messages?limit=1", headers=HEADERS).get_json()["data"][0]["content"]["media_id"]
        vault = gateway.media.vault
        assert vault is not None
        with vault.receive([content], 10**9) as incoming:
            kind = detect(incoming.file, about.get("mime_type"), about.get("filename"))
            key = vault.keep(incoming)
            with gateway.database.write() as session:
                store.share(session, incoming.sha256, key, incoming.size, kind, utc_now())
                found = {"sha256": incoming.sha256, "size": incoming.size, "mime_type": kind.mime_type}
                values = found | {"state": MediaState.STORED, "stored_at": utc_now()}
                store.change(session, media_id, values)
        return f"/media/{media_id}"

    return keep


def test_a_message_says_which_file_it_is_and_where_to_fetch_it(
    client: FlaskClient, receive: Receive, meta: responses.RequestsMock, gateway: Gateway
) -> None:
    receive(message_body(image()))
    give(meta)
    key = gateway.api_keys.make("reader", ["read"], None)

    (message,) = client.get("/api/messages", headers=HEADERS).get_json()["data"]
    media_id, link = message["content"]["media_id"], message["content"]["url"]
    row = client.get(f"/api/media/{media_id}", headers=HEADERS).get_json()

    assert urlsplit(link).path == f"/media/{media_id}"
    assert (row["message_id"], row["meta_media_id"], row["state"]) == (message["id"], "111222333", "pending")
    for path, headers in ((link, {}), (f"/api/media/{media_id}/content", {"Authorization": f"Bearer {key}"}),
                          ("/api/media/111222333/content", HEADERS)):  # fmt: skip
        file = client.get(path, headers=headers)
        assert (file.status_code, file.data, file.mimetype) == (200, JPEG, "image/jpeg")
        assert file.headers["X-Media-State"] == "pending"


def test_the_event_and_the_message_have_a_link_that_works_and_other_links_do_not(
    client: FlaskClient, get: Get, kept: Callable[..., str], gateway: Gateway
) -> None:
    path = kept()

    links = [
        get("/api/events")["data"][0]["data"]["content"]["url"],
        get("/api/messages")["data"][0]["content"]["url"],
        get(f"/api/messages/{get('/api/messages')['data'][0]['id']}")["content"]["url"],
        get("/api/media")["data"][0]["url"],
    ]

    assert [client.get(link).data == JPEG for link in links] == [True] * 4
    query = urlsplit(links[0]).query
    assert client.get(path).status_code == 401
    assert client.get(f"{path}?{query[:-1]}0x").status_code == 401
    others = path[:-1] + ("1" if path.endswith("0") else "0")
    assert client.get(f"{others}?{query}").status_code == 401
    assert client.get(f"/media/111222333?{query}").status_code == 401
    late = gateway.media.links.link(path.removeprefix("/media/"), -1)
    assert client.get(late).status_code == 401
    assert client.post(links[0]).status_code == 405


def test_a_link_is_the_same_for_a_while_and_works_as_long_as_was_asked(gateway: Gateway) -> None:
    links = gateway.media.links
    now = 1_795_500_000.0

    link = links.link("a", 3600, now)
    query = dict(part.split("=") for part in urlsplit(link).query.split("&"))

    assert links.link("a", 3600, now + 200) == link
    assert links.opens("a", query, now + 3600) and not links.opens("a", query, now + 4600)
    assert not links.opens("b", query, now)


def test_it_takes_the_scope_read_and_the_files_number(
    client: FlaskClient, kept: Callable[..., str], gateway: Gateway
) -> None:
    path = kept()
    paths = (path, f"/api{path}", f"/api{path}/content")

    for scope, numbers, status in (("send", None, 403), ("read", [OTHER_PNID], 404), ("read", [PNID], 200)):
        key = gateway.api_keys.make(f"{scope}-{status}", [scope], numbers)
        for each in paths:
            assert status_of(client, each, Authorization=f"Bearer {key}") == status
        if status == 404:
            listed = client.get("/api/media", headers={"Authorization": f"Bearer {key}"}).get_json()
            assert listed["data"] == []
    assert client.get("/api/media/nothing/content", headers=HEADERS).status_code == 404


RANGES = [
    (None, 200, JPEG, None),
    ("bytes=0-9", 206, JPEG[:10], f"bytes 0-9/{len(JPEG)}"),
    ("bytes=70000-70004", 206, JPEG[70000:70005], f"bytes 70000-70004/{len(JPEG)}"),
    ("bytes=99990-", 206, JPEG[99990:], f"bytes 99990-{len(JPEG) - 1}/{len(JPEG)}"),
    ("bytes=-5", 206, JPEG[-5:], f"bytes {len(JPEG) - 5}-{len(JPEG) - 1}/{len(JPEG)}"),
    ("bytes=0-999999999", 206, JPEG, f"bytes 0-{len(JPEG) - 1}/{len(JPEG)}"),
    ("bytes=-999999999", 206, JPEG, f"bytes 0-{len(JPEG) - 1}/{len(JPEG)}"),
    (f"bytes={len(JPEG)}-", 416, b"", f"bytes */{len(JPEG)}"),
    ("bytes=-0", 416, b"", f"bytes */{len(JPEG)}"),
    ("bytes=0-1,5-6", 200, JPEG, None),
    ("bytes=5-2", 200, JPEG, None),
    ("bytes=x-y", 200, JPEG, None),
    ("bytes=-", 200, JPEG, None),
    ("items=0-5", 200, JPEG, None),
    (f"bytes={'9' * 18}-{'9' * 18}", 416, b"", f"bytes */{len(JPEG)}"),
    (f"bytes={'9' * 400}-", 200, JPEG, None),
]


def test_one_range_is_answered_and_nothing_else_is_mistaken_for_one(
    client: FlaskClient, kept: Callable[..., str]
) -> None:
    path = kept()

    for asked, status, body, content_range in RANGES:
        headers = HEADERS | ({"Range": asked} if asked else {})
        for method in ("GET", "HEAD"):
            answer = client.open(path, method=method, headers=headers)
            assert (answer.status_code, answer.headers.get("Content-Range")) == (status, content_range), asked
            assert answer.data == (body if method == "GET" else b"")
            assert answer.headers["Content-Length"] == str(len(body))
            assert answer.headers["Accept-Ranges"] == "bytes"


def test_conditions_are_kept(client: FlaskClient, kept: Callable[..., str]) -> None:
    path, etag = kept(), f'"{hashlib.sha256(JPEG).hexdigest()}"'
    part = {"Range": "bytes=0-4"}

    def ask(**headers: str) -> int:
        return status_of(client, path, **HEADERS, **{n.replace("_", "-"): v for n, v in headers.items()})

    assert client.get(path, headers=HEADERS, buffered=True).headers["ETag"] == etag
    assert ask(If_None_Match=etag) == 304 and ask(If_None_Match=f"W/{etag}") == 304 and ask(If_None_Match="*") == 304
    assert ask(If_None_Match='"other"') == 200
    assert ask(If_Range=etag, **part) == 206
    assert ask(If_Range='"other"', **part) == 200 and ask(If_Range=f"W/{etag}", **part) == 200
    assert ask(If_Range="Wed, 21 Oct 2015 07:28:00 GMT", **part) == 200


@pytest.mark.parametrize(
    ("content", "about", "told", "how"),
    [
        (JPEG, {}, "image/jpeg", "inline; filename=\"image-"),
        (b"%PDF-1.4 x", {"filename": "bill.pdf"}, "application/pdf", "inline; filename=\"bill.pdf\""),
        (b"<html><script>alert(1)</script>", {"filename": "a.jpg"}, "application/octet-stream",
         "attachment; filename=\"a.jpg.html\""),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", {}, "application/octet-stream", "attachment"),
        (b"Hola", {"filename": "note.txt"}, "text/plain; charset=utf-8", "attachment; filename=\"note.txt\""),
        (b"\xff\xd8\xff<html><script>alert(1)</script>", {"filename": "x.html"}, "image/jpeg",
         "inline; filename=\"x.html.jpg\""),
        (JPEG, {"filename": "../../etc/passwd"}, "image/jpeg", "inline; filename=\"passwd.jpg\""),
        (JPEG, {"filename": "..\\..\\boot.ini\r\nX-Evil: 1"}, "image/jpeg",
         "inline; filename=\"boot.iniX-Evil_ 1.jpg\""),
        (JPEG, {"filename": "evil\u202egpj.exe"}, "image/jpeg", "inline; filename=\"evilgpj.exe.jpg\""),
        (JPEG, {"filename": "Ñandú \"1\".jpg"}, "image/jpeg", "filename*=UTF-8''%C3%91and%C3%BA%20_1_.jpg"),
        (b"", {"filename": "empty.jpg"}, "application/octet-stream", "attachment; filename=\"empty.jpg.bin\""),
    ],
)  # fmt: skip
def test_nothing_runs_as_a_page_and_names_are_safe(
    client: FlaskClient, kept: Callable[..., str], content: bytes, about: dict[str, str], told: str, how: str
) -> None:
    answer = client.get(kept(content, **about), headers=HEADERS)

    assert (answer.status_code, answer.data, answer.headers["Content-Type"]) == (200, content, told)
    assert how in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert "X-Evil" not in answer.headers


def test_a_file_that_is_gone_says_why(
    client: FlaskClient, receive: Receive, get: Get, gateway: Gateway
) -> None:
    receive(message_body(image()))
    media_id = get("/api/media")["data"][0]["id"]
    with gateway.database.write() as session:
        store.change(session, media_id, {"state": MediaState.GONE, "reason": "Meta's copy died."})

    answer = client.get(f"/media/{media_id}", headers=HEADERS)

    assert (answer.status_code, answer.get_json()["error"]["code"]) == (410, "gone")
    assert "Meta's copy died." in answer.get_json()["error"]["message"]
    assert [each["id"] for each in get("/api/media", state="gone")["data"]] == [media_id]
    assert get("/api/media", state="stored")["data"] == []


def test_a_file_that_the_vault_lost_is_gone_and_not_an_error_of_ours(
    client: FlaskClient, kept: Callable[..., str], gateway: Gateway
) -> None:
    path = kept()
    for each in list(gateway.media.vault.keys() if gateway.media.vault else ()):
        gateway.media.vault.delete(each) if gateway.media.vault else None

    assert client.get(path, headers=HEADERS).status_code == 410


def test_the_last_user_of_a_content_takes_it_along(
    client: FlaskClient, kept: Callable[..., str], gateway: Gateway
) -> None:
    first, second = kept(), kept()
    assert first != second

    for path, expected in ((first, [410, 200]), (second, [410, 410])):
        with gateway.database.write() as session:
            store.release(session, [path.removeprefix("/media/")], utc_now() - timedelta(seconds=1))
        assert [status_of(client, each, **HEADERS) for each in (first, second)] == expected


@pytest.mark.parametrize(
    "answer",
    [
        {"url": "https://evil.example/?mid=1"},
        {"url": "http://lookaside.fbsbx.com/?mid=1"},
        {"url": "https://lookaside.fbsbx.com.evil.example/"},
        {"url": "http://169.254.169.254/latest/meta-data/"},
        {"status": 302, "headers": {"Location": "https://evil.example/"}, "body": b""},
        {"headers": {"Content-Encoding": "gzip"}},
    ],
    ids=str,
)
def test_the_token_goes_to_metas_hosts_alone(
    client: FlaskClient, meta: responses.RequestsMock, receive: Receive, answer: dict[str, Any]
) -> None:
    receive(message_body(image()))
    give(meta, **answer)
    meta.get("https://evil.example/", body=b"thanks")

    file = client.get("/api/media/111222333/content", headers=HEADERS)

    assert file.status_code == 422
    strange = ("evil", "http://", "169.254")
    assert not [call for call in meta.calls if any(each in str(call.request.url) for each in strange)]


def test_a_person_of_the_team_sees_the_files_of_their_numbers(
    client: FlaskClient, kept: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kept()

    for numbers, status in ((None, 200), (frozenset({PNID}), 200), (frozenset({OTHER_PNID}), 404)):
        person = Person("1", "Eva", "agent", numbers)
        monkeypatch.setattr("app.web.media_content.somebody", lambda person=person: person)
        assert status_of(client, path) == status
    monkeypatch.setattr("app.web.media_content.somebody", lambda: None)
    assert status_of(client, path) == 401

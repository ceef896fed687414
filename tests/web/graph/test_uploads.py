"""Uploads that may be resumed: from an SDK through us to Meta."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import responses
from flask.testing import FlaskClient
from pywa import WhatsApp
from pywa.errors import WhatsAppError
from pywa.types import templates
from werkzeug.test import TestResponse

from app.clock import utc_now
from app.container import Gateway
from app.schemas.api.graph import LARGEST_FILE
from app.services.numbers.save import save_number
from simulator.testing import MetaStandIn
from tests.conftest import API_KEY
from tests.factories import OTHER_PNID, OTHER_WABA, PNID, WABA
from tests.web.graph.conftest import Seen
from tests.web.graph.test_face import error_of

APP = "600100200300400"
PNG = b"\x89PNG" + random.Random(1).randbytes(300_000)
SIZE = len(PNG)
TOKEN = "EAAsimulated"

Ask = Callable[..., TestResponse]


@pytest.fixture
def ask(client: FlaskClient) -> Ask:
    def ask_(method: str, path: str, key: str = API_KEY, **more: Any) -> TestResponse:
        headers = {"Authorization": f"OAuth {key}"} | more.pop("headers", {})
        return client.open(f"/graph/v19.0/{path}", method=method, headers=headers, **more)

    return ask_


@pytest.fixture
def bot(served: str, gateway: Gateway, seen: Seen) -> Iterator[WhatsApp]:
    key = gateway.api_keys.make("owner", ["admin", "send", "read"], None)
    with httpx.Client() as session:
        bot = WhatsApp(PNID, key, session=session, waba_id=WABA, app_id=APP)
        bot.api._session.base_url = f"{served}/graph/v25.0"
        yield bot
    assert not seen.holds(key), "the caller's key went to Meta"


def announced(ask: Ask, length: int = SIZE, **more: Any) -> str:
    path = f"{APP}/uploads?file_name=a.png&file_length={length}&file_type=image/png"
    return str(ask("POST", path, **more).get_json()["id"])


def content_at_meta(meta: MetaStandIn) -> bytes:
    (upload,) = meta.simulator.world.uploads._by_id.values()
    return bytes(upload.content)


def test_a_template_with_a_picture_is_made_with_pywa(bot: WhatsApp, meta: MetaStandIn) -> None:
    template = templates.Template(
        name="offer",
        language=templates.TemplateLanguage.ENGLISH_US,
        category=templates.TemplateCategory.MARKETING,
        components=[templates.HeaderImage(example=PNG, mime_type="image/png"), templates.BodyText("Look.")],
    )

    made = bot.create_template(template)

    assert content_at_meta(meta) == PNG
    (upload,) = meta.simulator.world.uploads._by_id.values()
    kept = meta.simulator.world.templates.get(made.id)
    assert kept is not None
    assert kept.part("HEADER")["example"] == {"header_handle": [upload.handle]}


def test_a_profile_gets_its_picture_with_pywa(bot: WhatsApp, meta: MetaStandIn) -> None:
    assert bot.update_business_profile(profile_picture=PNG)
    assert bot.get_business_profile().profile_picture_url


def test_a_broken_upload_goes_on_where_meta_stands(bot: WhatsApp, meta: MetaStandIn, seen: Seen) -> None:
    upload = bot.api.create_upload_session(APP, "a.png", len(PNG), "image/png")["id"]

    begun = bot.api.upload_file(upload, PNG[:100_000], file_offset=0)
    asked = bot.api.get_upload_session(upload)
    ended = bot.api.upload_file(upload, PNG[100_000:], file_offset=asked["file_offset"])

    assert begun == asked == {"id": upload, "file_offset": 100_000}
    assert ended["h"]
    assert content_at_meta(meta) == PNG


def test_a_body_of_unknown_length_is_the_rest_of_the_file(bot: WhatsApp, meta: MetaStandIn) -> None:
    upload = bot.api.create_upload_session(APP, "a.png", len(PNG), "image/png")["id"]

    ended = bot.api.upload_file(upload, iter([PNG[:70_000], PNG[70_000:]]))

    assert ended["h"]
    assert content_at_meta(meta) == PNG


def test_a_body_that_ends_early_leaves_nobody_waiting(bot: WhatsApp) -> None:
    upload = bot.api.create_upload_session(APP, "a.png", len(PNG), "image/png")["id"]

    with pytest.raises(WhatsAppError) as refusal:
        bot.api.upload_file(upload, iter([PNG[:70_000]]))

    assert (refusal.value.code, refusal.value.status_code) == (100, 400)


@pytest.mark.parametrize(
    "place",
    [
        {"query_string": {"file_name": "a.png", "file_length": "5", "file_type": "image/png", "method": "delete"}},
        {"json": {"file_name": "a.png", "file_length": 5, "file_type": "image/png", "access_token": API_KEY}},
        {"data": {"file_length": "5", "file_type": "image/png", "file_name": "a.png"}},
    ],
)
def test_a_file_is_announced_in_the_query_or_in_the_body(ask: Ask, seen: Seen, place: Any) -> None:
    answer = ask("POST", "app/uploads", **place)

    assert answer.get_json()["id"].startswith("upload:")
    assert not seen.holds(API_KEY) and not seen.holds("method=delete")


@pytest.mark.parametrize(
    "query",
    ["", "file_length=5", "file_type=image/png", "file_length=0&file_type=image/png", "file_length=x&file_type=a/b",
     f"file_length={LARGEST_FILE + 1}&file_type=video/mp4", "file_length=5&file_type=", "file_length=5&file_name="],
)  # fmt: skip
def test_what_cannot_be_announced_is_an_invalid_parameter(ask: Ask, seen: Seen, query: str) -> None:
    assert error_of(ask("POST", f"{APP}/uploads?{query}")) == (400, 100)
    assert seen.everything == []


def test_meta_hears_what_it_asks_for_and_nothing_else(ask: Ask, meta: MetaStandIn) -> None:
    theirs = "upload:MTphdHRh+Y2g=?sig=AR%2Bx"
    with responses.RequestsMock() as graph:
        announce = graph.post(f"{meta.url}/v26.0/{APP}/uploads", json={"id": theirs})
        upload = announced(ask, 5)
        sent_bytes: list[bytes] = []

        def take(sent: Any) -> tuple[int, dict[str, str], str]:
            sent_bytes.extend(sent.body)  # while the request that brings them is served
            return 200, {}, json.dumps({"h": "4::x"})

        graph.add_callback("POST", f"{meta.url}/v26.0/upload:MTphdHRh%2BY2g=?sig=AR%2Bx", take)
        answer = ask("POST", upload, data=b"12345", headers={"X-Mine": API_KEY})
        sent = graph.calls[-1].request

    assert answer.get_json() == {"h": "4::x"}
    assert announce.calls[0].request.params == {"file_name": "a.png", "file_length": "5", "file_type": "image/png"}
    assert b"".join(sent_bytes) == b"12345"
    assert (sent.headers["file_offset"], sent.headers["Authorization"]) == ("0", f"OAuth {TOKEN}")
    assert sent.headers["Content-Length"] == "5"
    assert "X-Mine" not in sent.headers and theirs not in upload


@pytest.mark.parametrize(("given", "meant"), [({"file_offset": "2"}, "2"), ({}, "1")])
def test_an_offset_that_servers_drop_is_asked_for(ask: Ask, meta: MetaStandIn, given: Any, meant: str) -> None:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as graph:
        graph.post(f"{meta.url}/v26.0/{APP}/uploads", json={"id": "upload:1"})
        graph.get(f"{meta.url}/v26.0/upload:1", json={"id": "upload:1", "file_offset": 1})
        send = graph.post(f"{meta.url}/v26.0/upload:1", json={"h": "4::x"})
        ask("POST", announced(ask, 5), data=b"345", headers=given)

        assert send.calls[0].request.headers["file_offset"] == meant


def test_more_than_was_announced_is_too_large(ask: Ask, meta: MetaStandIn) -> None:
    upload = announced(ask, 5)

    assert error_of(ask("POST", upload, data=b"123456", headers={"file_offset": "0"})) == (413, 100)
    assert error_of(ask("POST", upload, data=b"12345", headers={"file_offset": "1"})) == (413, 100)
    huge = {"CONTENT_LENGTH": str(LARGEST_FILE * 2)}
    assert error_of(ask("POST", upload, environ_overrides=huge)) == (413, 100)
    assert content_at_meta(meta) == b""


@pytest.mark.parametrize("offset", ["x", "-1", "1.5", "", "9" * 5000])
def test_an_offset_is_a_number_of_bytes(ask: Ask, meta: MetaStandIn, offset: str) -> None:
    assert error_of(ask("POST", announced(ask), data=b"1", headers={"file_offset": offset})) == (400, 100)


def test_another_numbers_upload_does_not_exist(ask: Ask, gateway: Gateway, meta: MetaStandIn, both: None) -> None:
    one = gateway.api_keys.make("one", ["send"], [PNID])
    other = gateway.api_keys.make("other", ["send"], [OTHER_PNID])
    upload = announced(ask, key=one)

    assert ask("GET", upload, one).get_json() == {"id": upload, "file_offset": 0}
    for path in (upload, "upload:x", f"upload:{upload}", "upload:ñ", "upload:" + gateway.encryptor.encrypt("7")):
        assert error_of(ask("GET", path, other)) == (400, 100)
        assert error_of(ask("POST", path, other, data=PNG)) == (400, 100)
    assert content_at_meta(meta) == b""


@pytest.mark.parametrize("app_id", ["600100200300499", "me", "..%2f..", "600100200300400٣"])
def test_an_app_that_is_not_ours_does_not_exist(ask: Ask, meta: MetaStandIn, app_id: str) -> None:
    answer = ask("POST", f"{app_id}/uploads?file_length=5&file_type=image/png")

    assert error_of(answer) == (400, 100)


def test_the_token_of_the_named_app_is_taken(ask: Ask, gateway: Gateway, meta: MetaStandIn) -> None:
    for pnid, app_id, token in ((OTHER_PNID, "71", "of-71"), ("700100200300499", "72", "of-72")):
        save_number(gateway.database, gateway.encryptor, utc_now(), phone_number_id=pnid, display_phone_number=None,
                    waba_id=OTHER_WABA, app_id=app_id, access_token=token, app_secrets=["s" * 32 + app_id])  # fmt: skip
    gateway.directory.refresh()
    with responses.RequestsMock() as graph:
        announce = graph.post(f"{meta.url}/v26.0/72/uploads", json={"id": "upload:1"})
        ask("POST", "72/uploads?file_length=5&file_type=image/png")

        assert [call.request.headers["Authorization"] for call in announce.calls] == ["Bearer of-72"]


def test_of_several_tokens_one_may_belong_to_the_app(
    ask: Ask, gateway: Gateway, meta: MetaStandIn, both: None
) -> None:
    save_number(gateway.database, gateway.encryptor, utc_now(), phone_number_id="700100200300499",
                display_phone_number=None, waba_id=OTHER_WABA, app_id=None, access_token="another",
                app_secrets=["s" * 32])  # fmt: skip
    gateway.directory.refresh()
    refusal = {"error": {"message": "no", "code": 100, "error_subcode": 33}}
    with responses.RequestsMock() as graph:
        refuse = graph.post(f"{meta.url}/v26.0/{APP}/uploads", json=refusal, status=400)
        accept = graph.post(f"{meta.url}/v26.0/{APP}/uploads", json={"id": "upload:1"})
        upload = announced(ask)
        used = [call.request.headers["Authorization"] for call in (*refuse.calls, *accept.calls)]
        assert used == [f"Bearer {TOKEN}", "Bearer another"]  # each token once, though two numbers share the first
        graph.get(f"{meta.url}/v26.0/upload:1", json={"file_offset": "7"})
        assert ask("GET", upload).get_json()["file_offset"] == 7


def test_what_meta_says_is_said(ask: Ask, meta: MetaStandIn) -> None:
    meta.add_fault("code", code=190, on="media", times=1)

    assert error_of(ask("POST", f"{APP}/uploads?file_length=5&file_type=image/png")) == (502, 190)


@pytest.mark.parametrize("answer", [{}, {"id": "7"}, []])
def test_an_answer_without_an_upload_may_be_asked_for_again(ask: Ask, meta: MetaStandIn, answer: Any) -> None:
    with responses.RequestsMock() as graph:
        graph.post(f"{meta.url}/v26.0/{APP}/uploads", body=json.dumps(answer), content_type="application/json")
        assert error_of(ask("POST", f"{APP}/uploads?file_length=5&file_type=image/png")) == (503, 2)


def test_bytes_without_an_answer_are_asked_after(ask: Ask, meta: MetaStandIn) -> None:
    upload = announced(ask)
    meta.add_fault("cut", on="media", times=1)

    answer = ask("POST", upload, data=PNG)

    assert error_of(answer) == (500, 131000)
    assert "file_offset" in answer.get_json()["error"]["error_data"]["details"]
    assert ask("GET", upload).get_json()["file_offset"] == len(PNG)


def test_a_file_is_never_whole_in_memory(ask: Ask, meta: MetaStandIn) -> None:
    read: list[int] = []

    class Stream(io.BytesIO):
        def readinto(self, buffer: Any) -> int:
            read.append(len(buffer))
            return super().readinto(buffer)

    upload = announced(ask)

    assert ask("POST", upload, input_stream=Stream(PNG), content_length=len(PNG)).get_json()["h"]
    assert len(read) > 3 and max(read) <= 64 * 1024


@pytest.fixture
def both(gateway: Gateway) -> None:
    """The second number is the gateway's, too."""
    save_number(gateway.database, gateway.encryptor, utc_now(), phone_number_id=OTHER_PNID, display_phone_number=None,
                waba_id=OTHER_WABA, app_id=None, access_token=None, app_secrets=[])  # fmt: skip
    gateway.directory.refresh()

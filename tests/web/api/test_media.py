"""Files of customers: their ids and addresses in messages, and the files themselves, fetched from Meta."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses
from flask.testing import FlaskClient

from app.container import Gateway
from tests.conftest import API_KEY, on_sqlite
from tests.factories import OTHER_PNID, PNID, message_body, text

Receive = Callable[..., None]
HEADERS = {"Authorization": f"Bearer {API_KEY}"}
FILE = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=111222333"
META = "https://graph.example/v26.0/111222333"

pytestmark = on_sqlite


@pytest.fixture
def meta() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as graph:
        yield graph


def _give(meta: responses.RequestsMock, url: str = FILE, **more: Any) -> None:
    meta.get(META, json={"url": url, "mime_type": "image/jpeg", "id": "111222333", "messaging_product": "whatsapp"})
    meta.get(FILE, **({"body": b"\xff\xd8picture" * 100_000, "content_type": "image/jpeg"} | more))


def _image(**more: Any) -> dict[str, Any]:
    image = {"id": "111222333", "mime_type": "image/jpeg", "sha256": "q83v", "url": FILE}
    return {**text(**more), "type": "image", "image": image}


def test_a_message_says_which_file_it_is_and_where_to_fetch_it(
    client: FlaskClient, receive: Receive, meta: responses.RequestsMock, gateway: Gateway
) -> None:
    receive(message_body(_image()))
    _give(meta)
    key = gateway.api_keys.make("reader", ["read"], None)

    (message,) = client.get("/api/messages", headers=HEADERS).get_json()["data"]
    file = client.get(message["content"]["url"], headers={"Authorization": f"Bearer {key}"})

    assert message["content"]["media_id"] == "111222333"
    assert message["content"]["url"] == "/api/media/111222333/content"
    assert (file.status_code, file.data[:9], file.mimetype) == (200, b"\xff\xd8picture", "image/jpeg")
    assert file.headers["Content-Disposition"] == "attachment"
    assert file.headers["X-Content-Type-Options"] == "nosniff"


def test_it_takes_the_scope_read_and_the_files_number(
    client: FlaskClient, meta: responses.RequestsMock, gateway: Gateway
) -> None:
    _give(meta)
    path = "/api/media/111222333/content"

    assert client.get(path).status_code == 401
    for scope, numbers, status in (("send", None, 403), ("read", [OTHER_PNID], 404), ("read", [PNID], 200)):
        key = gateway.api_keys.make(f"{scope}-{status}", [scope], numbers)
        assert client.get(path, headers={"Authorization": f"Bearer {key}"}).status_code == status
    assert client.get("/api/media/nothing/content", headers=HEADERS).status_code == 404


@pytest.mark.parametrize(
    "answer",
    [
        {"url": "https://evil.example/?mid=1"},
        {"url": "http://lookaside.fbsbx.com/?mid=1"},
        {"url": "https://lookaside.fbsbx.com.evil.example/"},
        {"status": 302, "headers": {"Location": "https://evil.example/"}, "body": b""},
    ],
    ids=str,
)
def test_the_token_goes_to_metas_hosts_alone(
    client: FlaskClient, meta: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    _give(meta, **answer)
    meta.get("https://evil.example/", body=b"thanks")

    file = client.get("/api/media/111222333/content", headers=HEADERS)

    assert file.status_code == 422
    assert not [call for call in meta.calls if "evil" in str(call.request.url) or "http://" in str(call.request.url)]

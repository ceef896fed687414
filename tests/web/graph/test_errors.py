"""Whatever goes wrong below `/graph/` is said in Graph's words."""

from __future__ import annotations

import errno
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug import formparser
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from app.container import Gateway
from app.errors import GraphUnauthorised, Unavailable
from app.services.graph_proxy.proxy import GraphProxy
from app.web.graph import media
from simulator.testing import MetaStandIn
from tests.conftest import API_KEY
from tests.factories import PNID
from tests.web.graph.test_face import TEXT, error_of

Ask = Callable[..., TestResponse]


@pytest.fixture
def ask(client: FlaskClient, meta: MetaStandIn) -> Ask:
    def ask_(method: str, path: str, key: str = API_KEY, **more: Any) -> TestResponse:
        return client.open(f"/graph/{path}", method=method, headers={"Authorization": f"Bearer {key}"}, **more)

    return ask_


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "PROPFIND"])
@pytest.mark.parametrize(
    "path", [PNID, f"{PNID}/messages", f"{PNID}/x/y", "upload:x", "app/uploads", "whatsapp_business/attachments/"]
)
def test_a_method_that_graph_has_not(ask: Ask, method: str, path: str) -> None:
    answer = ask(method, f"v26.0/{path}")

    assert error_of(answer) == (405, 100)
    assert "GET" in answer.headers["Allow"] or "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["", "v26.0", "v26.0/"])
def test_no_object_at_all(ask: Ask, method: str, path: str) -> None:
    answer = ask(method, path)

    assert error_of(answer) == (400, 100)
    assert answer.get_json()["error"]["error_subcode"] == 33


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_edge_that_nobody_knows(ask: Ask, method: str) -> None:
    assert error_of(ask(method, f"v26.0/{PNID}/no_such_edge")) == (400, 100)


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_elsewhere_errors_stay_ours(client: FlaskClient, method: str) -> None:
    for path in ("/graph", "/graphs/v26.0/x", "/api/nothing"):
        answer = client.open(path, method=method, headers={"Authorization": f"Bearer {API_KEY}"}).get_json()
        assert answer["success"] is False, path


NO_JSON = [b"{", b'"x"', b"\xff", b'{"a":' * 50_000]
NO_OBJECT = [(path, body) for path in (f"{PNID}/messages", f"{PNID}/register", PNID, "app/uploads") for body in NO_JSON]
NO_LIST = [(f"{PNID}/messages", b"[1]"), ("app/uploads", b"[1]")]  # elsewhere Meta judges lists


@pytest.mark.parametrize(("path", "body"), NO_OBJECT + NO_LIST)
def test_a_body_that_is_no_object(ask: Ask, path: str, body: bytes) -> None:
    assert error_of(ask("POST", f"v26.0/{path}", data=body, content_type="application/json")) == (400, 100)


@pytest.mark.parametrize("content_type", ["text/xml", "multipart/form-data", "", "application/octet-stream"])
def test_a_body_of_another_kind(ask: Ask, content_type: str) -> None:
    assert error_of(ask("POST", f"v26.0/{PNID}/messages", data=b"<x/>", content_type=content_type)) == (400, 100)


@pytest.mark.parametrize("path", [f"{PNID}/messages", f"{PNID}/register", PNID, "app/uploads"])
def test_a_body_that_is_too_large(ask: Ask, path: str) -> None:
    assert error_of(ask("POST", f"v26.0/{path}", data=b"x" * (1024 * 1024 + 1))) == (413, 100)


def test_a_file_that_is_too_large(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "UPLOAD_LIMIT", 10)

    assert error_of(ask("POST", f"v26.0/{PNID}/media", data={"type": "x" * 100})) == (413, 100)


@pytest.mark.parametrize("path", [PNID, f"{PNID}/messages", "a/b/c", "upload:x", "app/uploads"])
def test_a_stranger(client: FlaskClient, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer nobody"}, {"Authorization": f"Basic {API_KEY}"}):
        answer = client.post(f"/graph/v26.0/{path}", headers=headers)
        assert error_of(answer) == (401, 190)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_something_that_we_did_wrong(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GraphProxy, "read", lambda *_: 1 / 0)

    answer = ask("GET", f"v26.0/{PNID}")

    assert error_of(answer) == (500, 131000)
    assert "division" not in answer.get_data(as_text=True)


def test_a_database_that_is_away(
    client: FlaskClient, gateway: Gateway, meta: MetaStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_key: str) -> None:
        raise Unavailable

    monkeypatch.setattr(gateway.api_keys, "find", away)

    answer = client.post(f"/graph/v26.0/{PNID}/messages", json=TEXT, headers={"Authorization": "Bearer x"})

    assert error_of(answer) == (503, 2)
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize(("told", "code"), [(401, 190), (400, 190), (403, 10), (500, 3)])
def test_a_token_of_ours_that_meta_does_not_accept_is_not_the_callers(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, told: int, code: int
) -> None:
    def refuse(*_: Any) -> None:
        error = GraphUnauthorised(meta={"code": code, "http_status": told})
        error.said = {"message": "Error validating access token", "type": "OAuthException", "code": code}
        raise error

    monkeypatch.setattr(GraphProxy, "read", refuse)

    answer = ask("GET", f"v26.0/{PNID}")

    assert error_of(answer) == (502, code)
    assert answer.get_json()["error"]["gateway"]["code"] == "meta_unauthorised"
    assert "WWW-Authenticate" not in answer.headers


def test_a_full_disk_is_told_as_what_it_is(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(formparser, "SpooledTemporaryFile", full)
    fields = {"file": FileStorage(BytesIO(bytes(600_000)), "a.pdf"), "type": "application/pdf"}
    boundary, body = encode_multipart(fields)
    content_type = f"multipart/form-data; boundary={boundary}"
    answer = ask("POST", f"v26.0/{PNID}/media", data=body, content_type=content_type)

    assert answer.status_code == 503 and answer.headers["Retry-After"]
    assert "no room on the disk" in answer.get_data(as_text=True)

"""Calls that SDKs make beside sending: each reaches Meta as Meta takes it, or says that it does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
import responses
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.container import Gateway
from tests.conftest import API_KEY
from tests.factories import PNID, WABA
from tests.web.graph.test_face import error_of

GRAPH = "https://graph.example/v26.0"
TEMPLATE = {"id": "5", "language": "es", "category": "UTILITY", "status": "APPROVED", "name": "offer"}


@pytest.fixture
def app(app_without_meta: Any) -> Any:
    return app_without_meta


@pytest.fixture
def graph() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def ask(client: FlaskClient, method: str, path: str, key: str = API_KEY, **more: Any) -> TestResponse:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return client.open(f"/graph/v26.0/{path}", method=method, headers=headers, **more)


@pytest.mark.parametrize(
    ("method", "path", "theirs"),
    [("GET", f"{PNID}/message_qrdls/ABC?fields=code", f"{PNID}/message_qrdls/ABC"),
     ("POST", f"{PNID}/message_qrdls/ABC?prefilled_message=Hi", f"{PNID}/message_qrdls/ABC"),
     ("DELETE", f"{PNID}/message_qrdls/ABC", f"{PNID}/message_qrdls/ABC"),
     ("GET", f"{PNID}/whatsapp_commerce_settings", f"{PNID}/whatsapp_commerce_settings"),
     ("POST", f"{PNID}/whatsapp_commerce_settings?is_cart_enabled=true", f"{PNID}/whatsapp_commerce_settings"),
     ("POST", f"{WABA}/migrate_message_templates?source_waba_id=1&page_number=0", f"{WABA}/migrate_message_templates"),
     ("GET", f"{WABA}/message_template_library?search=x", "message_template_library"),
     ("GET", "message_template_library?search=x&topic=y", "message_template_library"),
     ("GET", "5/compare?template_ids=[6]&start=1&end=2", "5/compare"), ("POST", "5/unpause", "5/unpause"),
     ("GET", f"{WABA}/message_templates/5", "5"), ("POST", f"{WABA}/message_templates/5", "5")],
)  # fmt: skip
def test_it_reaches_meta_with_its_query(
    client: FlaskClient, graph: responses.RequestsMock, method: str, path: str, theirs: str
) -> None:
    graph.get(f"{GRAPH}/5", json=TEMPLATE)
    graph.get(f"{GRAPH}/{WABA}/message_templates", json={"data": [{"id": "5"}]})
    if theirs != "5" or method != "GET":
        graph.add(method, f"{GRAPH}/{theirs}", json={"success": True})

    answer = ask(client, method, path)

    assert answer.status_code == 200, answer.get_json()
    called = graph.calls[-1].request
    assert (called.method, called.url.partition("?")[0]) == (method, f"{GRAPH}/{theirs}")
    assert called.url.partition("?")[2].count("=") == path.partition("?")[2].count("=")


def test_a_template_of_another_account_is_not_here(client: FlaskClient, graph: responses.RequestsMock) -> None:
    graph.get(f"{GRAPH}/5", json=TEMPLATE)
    graph.get(f"{GRAPH}/{WABA}/message_templates", json={"data": [{"id": "55"}]})

    assert error_of(ask(client, "GET", f"{WABA}/message_templates/5")) == (400, 100)
    assert error_of(ask(client, "GET", f"{WABA}/message_templates/..")) == (400, 100)


def test_a_list_is_a_body(client: FlaskClient, graph: responses.RequestsMock) -> None:
    graph.post(f"{GRAPH}/{PNID}/settings", json={"success": True})

    ask(client, "POST", f"{PNID}/settings", json=[{"a": 1, "access_token": "x"}, 2])

    assert json.loads(graph.calls[0].request.body) == [{"a": 1}, 2]


def test_a_multipart_form_is_as_good_as_any(client: FlaskClient, graph: responses.RequestsMock) -> None:
    graph.post(f"{GRAPH}/5", json={"success": True})
    graph.get(f"{GRAPH}/5", json=TEMPLATE)
    form = {"category": "UTILITY", "components": '[{"type":"BODY"}]', "access_token": API_KEY}

    answer = ask(client, "POST", "5", data=form, content_type="multipart/form-data")

    assert answer.status_code == 200, answer.get_json()
    assert json.loads(graph.calls[-1].request.body) == {"category": "UTILITY", "components": [{"type": "BODY"}]}


def test_a_file_goes_on_with_its_fields(client: FlaskClient, graph: responses.RequestsMock) -> None:
    seen: list[bytes] = []
    graph.add_callback("POST", f"{GRAPH}/{WABA}/flows", lambda request: _note(seen, request))
    form = {"name": "flow.json", "asset_type": "FLOW_JSON", "access_token": API_KEY,
            "file": (BytesIO(b'{"version":"7.0"}'), 'a.json', "application/json")}  # fmt: skip

    answer = ask(client, "POST", f"{WABA}/flows", data=form)

    assert answer.status_code == 200, answer.get_json()
    assert b'name="asset_type"\r\n\r\nFLOW_JSON' in seen[0]
    assert b'name="file"; filename="a.json"' in seen[0] and b'{"version":"7.0"}' in seen[0]
    assert API_KEY.encode() not in seen[0]


def test_two_files_are_one_too_many(client: FlaskClient, graph: responses.RequestsMock) -> None:
    form = {"one": (BytesIO(b"1"), "a"), "two": (BytesIO(b"2"), "b")}

    assert error_of(ask(client, "POST", f"{WABA}/flows", data=form)) == (400, 100)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", [f"{PNID}/calls", f"{PNID}/no_such", "a/b/c/d", f"{PNID}/message_qrdls/a/b"])
def test_what_is_not_handed_on_says_so_to_every_key(
    client: FlaskClient, gateway: Gateway, method: str, path: str
) -> None:
    for key in (API_KEY, gateway.api_keys.make("reader", ["read"], [PNID])):
        answer = ask(client, method, path, key)
        assert error_of(answer) == (400, 100)
        assert f"{method} /{path} is not among the calls" in answer.get_json()["error"]["message"]
    assert error_of(ask(client, method, path, "nobody")) == (401, 190)


def _note(seen: list[bytes], request: Any) -> tuple[int, dict[str, str], str]:
    seen.append(b"".join(request.body))
    return 200, {}, '{"success":true}'

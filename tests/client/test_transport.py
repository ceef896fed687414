"""When a request is tried again, and with what."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from responses import matchers

from whatsapp_service_client import GatewayError, Throttled, Unavailable, Unreachable
from whatsapp_service_client.transport import UNSET, Transport, path_of

URL = "https://gateway.example"


def refused(code: str, *, retryable: bool) -> dict[str, Any]:
    return {"success": False, "error": {"code": code, "message": "No.", "retryable": retryable}, "request_id": "r"}


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def transport(pauses: list[float]) -> Transport:
    return Transport(URL, "wsk", retries=2, sleep=pauses.append)


@responses.activate
def test_a_write_is_tried_again_under_one_idempotency_key(transport: Transport, pauses: list[float]) -> None:
    responses.post(f"{URL}/send/whatsapp", body=requests.ConnectionError("cut"))
    responses.post(
        f"{URL}/send/whatsapp", status=503, json=refused("unavailable", retryable=True), headers={"Retry-After": "7"}
    )
    responses.post(f"{URL}/send/whatsapp", json={"success": True})

    assert transport.json("POST", "/send/whatsapp", body={"to": "+1", "name": UNSET}) == {"success": True}

    keys = {call.request.headers["Idempotency-Key"] for call in responses.calls}
    assert (len(responses.calls), len(keys), pauses) == (3, 1, [0.5, 7.0])
    assert responses.calls[-1].request.body == b'{"to": "+1"}'


@responses.activate
def test_it_gives_up_after_its_tries_and_says_why(transport: Transport, pauses: list[float]) -> None:
    responses.get(f"{URL}/api/stats", body=requests.ReadTimeout("slow"))

    with pytest.raises(Unreachable, match="gateway.example did not answer"):
        transport.json("GET", "/api/stats")

    assert pauses == [0.5, 1.0]


@responses.activate
@pytest.mark.parametrize(
    ("status", "code", "retryable", "after", "kind"),
    [
        (422, "invalid_request", False, None, GatewayError),
        (429, "throttled", True, "600", Throttled),
        (503, "unavailable", False, None, Unavailable),
    ],
)
def test_what_cannot_help_or_takes_too_long_is_not_tried_again(
    transport: Transport, status: int, code: str, retryable: bool, after: str | None, kind: type[GatewayError]
) -> None:
    headers = {"Retry-After": after} if after else {}
    responses.get(f"{URL}/api/stats", status=status, json=refused(code, retryable=retryable), headers=headers)

    with pytest.raises(kind) as error:
        transport.json("GET", "/api/stats")

    assert len(responses.calls) == 1
    assert (error.value.code, error.value.status, error.value.request_id) == (code, status, "r")


@responses.activate
def test_a_page_of_a_proxy_is_no_gateway(transport: Transport) -> None:
    responses.get(f"{URL}/api/stats", status=404, body="<html>nginx</html>")
    responses.get(f"{URL}/api/overview", status=200, body="<html>welcome</html>")
    responses.get(f"{URL}/api/keys", status=301, headers={"Location": "https://other.example/"})

    for path in ("stats", "overview", "keys"):
        with pytest.raises(GatewayError, match="not of a gateway"):
            transport.json("GET", f"/api/{path}")
    assert len(responses.calls) == 3  # the key goes nowhere else


@responses.activate
def test_queries_say_what_was_given(transport: Transport) -> None:
    query = {"unread": True, "limit": 2, "q": "a+b & c", "state": None, "label": UNSET}
    wanted = {"unread": "true", "limit": "2", "q": "a+b & c"}
    responses.get(f"{URL}/api/conversations", match=[matchers.query_param_matcher(wanted)], json={"data": []})

    assert transport.json("GET", "/api/conversations", query=query) == {"data": []}


def test_an_id_stays_one_part_of_a_path() -> None:
    assert path_of("/api/messages/{id}/read", id="wamid.A/B==?x") == "/api/messages/wamid.A/B%3D%3D%3Fx/read"
    for id in ("", ".", "..", "/", "a/../../keys", "../keys/1", "a/./b"):
        with pytest.raises(ValueError, match="must be an id"):
            path_of("/api/messages/{id}", id=id)


@responses.activate
def test_the_key_is_sent_whatever_a_netrc_has_for_the_host(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine gateway.example login someone password of-another-program\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    responses.get(f"{URL}/api/stats", json={})

    transport.json("GET", "/api/stats")

    assert responses.calls[0].request.headers["Authorization"] == "Bearer wsk"


def test_a_gateway_on_this_machine_is_asked_past_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy, socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
        gone.close()
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        with pytest.raises(Unreachable):
            Transport(f"http://127.0.0.1:{port}", "wsk", retries=0).json("GET", "/api/stats")
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody came
            proxy.accept()


@pytest.mark.parametrize("url", ["https://me:secret@gateway.example", "https://other.example\\@gateway.example/"])
def test_an_address_that_holds_a_password_or_can_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no name and no password"):
        Transport(url, "wsk")


def test_a_key_that_no_header_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="no spaces"):
        Transport(URL, "two words")

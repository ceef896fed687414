"""Meta's host name directed to the gateway itself: found before a call is made, and known when one comes back."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import responses
from flask import Flask

from app.container import Gateway
from app.errors import GraphUnavailable
from app.graph.answers import is_ambiguous
from app.graph.client import GraphClient
from app.graph.loop_guard import HEADER, MESSAGE, address_here, gateway_id
from tests.conftest import API_KEY, with_settings
from tests.factories import PNID
from tests.graph.far_end import far_end

META = "https://graph.facebook.com"
OURS = gateway_id("a-secret-key-of-at-least-32-letters")


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What every name is resolved to, in place of the machine's own names."""
    addresses: list[str] = []

    def look_up(host: str, *_args: Any, **_named: Any) -> list[Any]:
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]

    monkeypatch.setattr("app.graph.loop_guard.getaddrinfo", look_up)
    return addresses


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "172.17.0.1", "192.168.1.9", "fd01::1"])
def test_a_name_of_metas_that_leads_here(resolved: list[str], address: str) -> None:
    resolved.append(address)

    assert address_here(META, ("graph.facebook.com",), "") == address
    assert address_here("https://graph.internal:8443/", ("graph.internal",), "") == address


@pytest.mark.parametrize("address", ["157.240.1.1", "2a03:2880::1", "198.18.0.7"])  # the last is of some VPNs
def test_a_name_that_leads_away(resolved: list[str], address: str) -> None:
    resolved.append(address)

    assert address_here(META, ("graph.facebook.com",), "") is None


@pytest.mark.parametrize(("address", "is_here"), [("127.0.0.1", True), ("10.1.2.3", False)])
def test_without_a_front_of_ours_only_this_machine_counts(resolved: list[str], address: str, is_here: bool) -> None:
    """A network may have a proxy of its own at Meta's name."""
    resolved.append(address)

    assert address_here(META, (), "") == (address if is_here else None)


def test_what_is_not_looked_up(resolved: list[str]) -> None:
    assert address_here(META, (), "") is None  # no such name at the moment
    resolved.append("127.0.0.1")
    assert address_here("http://127.0.0.1:8001", ("graph.facebook.com",), "") is None
    assert address_here("http://simulator:8001", ("graph.facebook.com",), "") is None
    assert address_here(META, (), "http://proxy:3128") is None


def test_a_gateway_is_told_from_others_by_its_secret_and_does_not_show_it() -> None:
    other = gateway_id("another-secret-key-of-32-letters!")

    assert OURS != other and len(OURS) == 32
    assert OURS == gateway_id("a-secret-key-of-at-least-32-letters")


def test_our_own_call_is_refused_whatever_it_asks(app: Flask) -> None:
    own = {HEADER: gateway_id(app.extensions["gateway"].config.secret_key), "Authorization": f"Bearer {API_KEY}"}
    client = app.test_client()
    for path in (f"/graph/v26.0/{PNID}/messages", f"/v26.0/{PNID}/messages", "/api/messages"):
        answer = client.post(path, json={}, headers=own)

        assert (answer.status_code, answer.get_json()["error"]["message"]) == (508, MESSAGE)
        assert answer.headers[HEADER] == own[HEADER]

    assert client.get("/api/messages", headers={**own, HEADER: "another's"}).status_code == 200


@pytest.mark.parametrize("status", [b"508 Loop Detected", b"200 OK"])
def test_a_call_that_came_back_has_done_nothing(status: bytes) -> None:
    """So that the message waits; it must neither fail, nor be unknown, nor end the number's token."""
    head = b"HTTP/1.1 %s\r\n%s: %s\r\nContent-Length: 2\r\n\r\n{}" % (status, HEADER.encode(), OURS.encode())
    with far_end(lambda connection: connection.sendall(head)) as end:
        client = GraphClient(end.url, "v26.0", service_version="1", gateway_id=OURS)

        with pytest.raises(GraphUnavailable) as raised:
            client.send_text_message(PNID, "+5491100000000", "Hola.", "EAAtoken0123456789abcdef")

        assert raised.value.message == MESSAGE
        assert is_ambiguous(raised.value)
        assert f"{HEADER}: {OURS}".encode() in end.requests[0]
        client.close()


def test_another_gateway_in_metas_place_is_no_circle() -> None:
    head = b"HTTP/1.1 200 OK\r\n%s: another\r\nContent-Length: 11\r\n\r\n{\"a\": \"b\" }" % HEADER.encode()
    with far_end(lambda connection: connection.sendall(head)) as end:
        client = GraphClient(end.url, "v26.0", service_version="1", gateway_id=OURS)

        assert client.request("GET", PNID, token="EAAtoken0123456789abcdef") == {"a": "b"}
        client.close()


@responses.activate  # nothing of it answers
def test_a_check_of_numbers_says_so(gateway: Gateway, resolved: list[str]) -> None:
    resolved.append("127.0.0.1")
    config = with_settings(gateway.config, graph_hosts=("graph.example",))

    other = Gateway.build(config, "0")
    report = other.check_number(PNID)
    other.database.dispose()

    found = next(each for each in report.findings if each.name == "way_to_meta")
    assert (report.state, found.value) == ("problem", "127.0.0.1")
    assert "Remove the hosts entry" in (found.remedy or "")

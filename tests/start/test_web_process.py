"""What a served connection sees of the web process: how long it is kept, and answers to what is not HTTP."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import gevent
import gevent.event
import pytest

from app.start import web_process
from app.start.web_process import error_answer
from app.web.errors import STATUS
from tests.load.gateway import ONE_WEB, Gateway, running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that serves."""
    served = Gateway(Path(tmp_path_factory.mktemp("served")), ONE_WEB | {"WORKER": "external"})
    with running(served):
        yield served


def test_an_answer_says_how_long_its_connection_is_kept(gateway: Gateway) -> None:
    connection = HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    for path in ("/healthz", "/nowhere", "/healthz"):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert (answer.getheader("Connection"), answer.getheader("Keep-Alive")) == ("keep-alive", "timeout=75")
    connection.request("GET", "/healthz", headers={"Connection": "close"})
    answer = connection.getresponse()
    assert (answer.getheader("Connection"), answer.getheader("Keep-Alive")) == ("close", None)
    connection.close()


def test_requests_that_come_in_one_piece_are_all_answered(gateway: Gateway) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert _ask(gateway, request * 2 + last).count(b"HTTP/1.1 200 OK") == 3


@pytest.mark.parametrize(
    "request_bytes, status, code",
    [
        (b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, "uri_too_long"),
        (b"GET\r\n\r\n", 400, "malformed"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n", 431, "http_431"),
        (b"GET / HTTP/1.1\r\n" + b"X-Many: 1\r\n" * 500 + b"\r\n", 431, "http_431"),
    ],
)
def test_what_cannot_be_read_is_answered_in_json(
    gateway: Gateway, request_bytes: bytes, status: int, code: str
) -> None:
    head, _, body = _ask(gateway, request_bytes).partition(b"\r\n\r\n")

    assert head.startswith(f"HTTP/1.1 {status} ".encode()), head
    assert b"Content-Type: application/json" in head and b"Connection: close" in head
    answer = json.loads(body)
    assert (answer["success"], answer["error"]["code"]) == (False, code)
    assert f"X-Request-ID: {answer['request_id']}".encode() in head
    assert answer["error"]["message"] and "aaa" not in answer["error"]["message"]


def test_codes_are_those_of_the_api() -> None:
    assert {status: STATUS[code] for status, code in web_process.ERROR_CODES.items()} == {
        status: status for status in web_process.ERROR_CODES
    }
    assert b'"http_417"' in error_answer("HTTP/1.1 417 Expectation Failed", "id")


def test_a_wait_ends_when_it_is_told_but_breaks_no_request_off() -> None:
    waits: dict[web_process._Wait, None] = {}
    ended: list[str] = []
    event = gevent.event.Event()

    def serve(name: str, comes: bool) -> None:
        gevent.getcurrent().connection = None
        with web_process._Wait(waits, 60):
            event.wait() if comes else gevent.sleep(60)
        gevent.sleep(0)
        ended.append(name)

    greenlets = [gevent.spawn(serve, "request", True), gevent.spawn(serve, "idle", False)]
    gevent.sleep(0)
    assert len(waits) == 2
    event.set()  # the request comes just when all waits are ended
    for wait in list(waits):
        wait.end()
    gevent.joinall(greenlets, timeout=5, raise_error=True)

    assert sorted(ended) == ["idle", "request"] and not waits


def test_the_head_of_a_request_has_less_time_than_the_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_process, "HEADERS_SECONDS", 0.05)
    ours, theirs = socket.socketpair()
    read: list[bytes] = []

    def serve() -> None:
        client = web_process._Connection(ours.family, ours.type, ours.proto, fileno=ours.detach())
        gevent.getcurrent().connection = client
        with web_process._Wait({}, 60):
            while True:
                read.append(client.recv(100))
        client.close()

    greenlet = gevent.spawn(serve)
    theirs.sendall(b"GET / HT")
    greenlet.join(5)
    assert greenlet.successful() and read == [b"GET / HT"]
    assert theirs.recv(1) == b""
    theirs.close()


def _ask(gateway: Gateway, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as connection:
        connection.sendall(request)
        answer = bytearray()
        while part := connection.recv(65_536):
            answer += part
    return bytes(answer)

"""No URL and no name server can make us call what we must not. Judged at the socket: nobody is ever connected to."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from app.security.endpoint_urls import AllowedNetwork
from app.subscribers.client import EndpointResponse, SubscriberClient
from app.subscribers.poster import Poster
from tests.subscriber import ALLOWED, answering, subscriber

Post = Callable[[str], EndpointResponse]
Client = Callable[[Sequence[AllowedNetwork]], Post]

LITERALS = """
127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 0x7f.0x0.0x0.0x1 127.255.255.254 127.0.0.1.
10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 192.168.255.255 0.0.0.0 0 0x0 0.1.2.3
169.254.0.1 169.254.169.254 0xa9fea9fe 2852039166 0251.0376.0251.0376 169.254.43518
100.64.0.1 100.127.255.255 100.100.100.200 168.63.129.16 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.3 198.18.0.1
198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 224.1.2.3 233.252.0.16 239.255.255.255 240.0.0.1 255.255.255.255
[::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:10.0.0.1] [::ffff:169.254.169.254] [::127.0.0.1] [::10.0.0.1]
[::ffff:0:127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::127.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b::a00:1] [64:ff9b:1::1]
[2002:7f00:1::] [2002:c0a8:1::1] [2002:a9fe:a9fe::1] [2001:0:7f00:1::] [2001:db8::1] [2001:10::1] [3fff::1] [5f00::1]
[100::1] [fc00::1] [fd00::1] [fd00:ec2::254] [fd20:ce::254] [fe80::1] [fe80::1%25eth0] [fe80::1%eth0] [fec0::1]
[ff02::1] [ff0e::1] [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:ffff:7f00:0001]
""".split()  # fmt: skip

URLS = [
    "ftp://app.example/", "file:///etc/passwd", "gopher://app.example/", "//app.example/", "app.example",
    "javascript:alert(1)", "http:app.example", "http:///x", "http://", "https://?x", "http://user@app.example/",
    "http://user:pass@app.example/", "http://app.example@127.0.0.1/", "http://127.0.0.1@app.example/",
    "http://app.example:0/", "http://app.example:99999/", "http://app.example:x/", "http://app.example\\@127.0.0.1/",
    "http://127.0.0.1\\.app.example/", "http://app.example /", "http://app.exa\nmple/",
    "http://app.example\r\nHost: x/",
    "http://①②⑦.0.0.1/", "http://127。0。0。1/", "http://ⓛocalhost/", "http://[::1/", "http://[v1.x]/", "http://a%2eb/",
    "http://app.example\t/", "http://app.example/\x00", "", "http://%31%32%37.0.0.1/",
]  # fmt: skip

NAMES = ["localhost", "LOCALHOST", "localhost.", "private.example", "mixed.example", "mixed6.example", "mapped.example"]
PUBLIC = "93.184.215.14"
ANSWERS = {
    "private.example": ["10.1.2.3"],
    "mixed.example": [PUBLIC, "127.0.0.1"],
    "mixed6.example": [PUBLIC, "::ffff:127.0.0.1"],
    "mapped.example": ["64:ff9b::7f00:1"],
}
HOSTILE = [f"http://{each}/" for each in (*LITERALS, *NAMES)] + [f"https://{each}:8443/" for each in LITERALS] + URLS


@pytest.mark.parametrize("url", HOSTILE)
def test_nobody_is_connected_to(client: Client, connected: list[Any], url: str) -> None:
    answer = client(())(url)

    assert connected == []
    assert answer.status is None
    assert answer.error


def test_there_are_enough_of_them() -> None:
    assert len(set(HOSTILE)) >= 80


def test_a_name_that_answers_differently_each_time_is_connected_to_at_what_was_judged(
    client: Client, connected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, **_: _infos(next(answers), port))

    post = client(())
    post("http://rebinding.example/")
    post("http://rebinding.example/")

    assert connected == [(PUBLIC, 80)]


@pytest.mark.parametrize("url", ["http://public.example/", "https://public.example:8443/", f"http://{PUBLIC}/"])
def test_a_public_address_is(client: Client, connected: list[Any], url: str) -> None:
    client(())(url)

    assert [address for address, _ in connected] == [PUBLIC]


@pytest.mark.parametrize(
    ("url", "is_called"),
    [("http://127.0.0.1:8080/", True), ("http://127.0.0.1:8081/", False), ("http://127.0.0.1/", False),
     ("http://[::1]/", True), ("https://[::1]/", False), ("http://[::ffff:127.0.0.1]:8080/", True)],
)  # fmt: skip
def test_of_an_allowed_port_its_neighbours_are_not_allowed(
    client: Client, connected: list[Any], url: str, is_called: bool
) -> None:
    allowed = ((ipaddress.ip_network("127.0.0.0/8"), 8080), (ipaddress.ip_network("::1/128"), 80))

    client(allowed)(url)

    assert bool(connected) is is_called


def test_localhost_is_called_at_the_address_that_is_allowed(
    client: Client, connected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, **_: _infos(["::1", "127.0.0.1"], port))
    allowed = (ipaddress.ip_network("127.0.0.1/32"),)

    client(allowed)("http://localhost:9000/")

    assert connected == [("127.0.0.1", 9000)]


def test_a_redirect_to_a_hostile_address_is_not_followed(client: Client) -> None:
    with subscriber() as inside, subscriber(answering(307, Location=inside.url)) as app:
        answer = client((ipaddress.ip_network(ALLOWED),))(app.url)

    assert (answer.status, answer.is_success, inside.posted) == (307, False, [])


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/", "http://[fe80::1]/", "http://100.100.100.200/", "http://0.0.0.0/", "http://[::]/",
     "http://[fd00:ec2::254]/", "http://224.0.0.1/", "http://[::ffff:169.254.169.254]/"],
)  # fmt: skip
def test_allowing_everything_does_not_allow_what_is_never_called(
    client: Client, connected: list[Any], url: str
) -> None:
    everything = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))

    answer = client(everything)(url)

    assert (connected, answer.status) == ([], None)


def test_an_error_quotes_no_part_of_the_url(client: Client) -> None:
    for url in ("http://token-1234.invalid/token-1234", "http://u:token-1234@x/", "http://127.0.0.1/token-1234"):
        assert "1234" not in (client(())(url).error or "")


@pytest.fixture(params=["one by one", "many at once"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A function that posts to a URL, made from the allowed networks: with either client."""
    posters: list[Poster] = []

    def new(allowed: Sequence[AllowedNetwork]) -> Post:
        options: dict[str, Any] = {"user_agent": "tests", "allowed": allowed, "pool_size": 1}
        if request.param == "one by one":
            one = SubscriberClient(**options)
            return lambda url: one.post(url, {}, b"{}")
        posters.append(Poster(**options))
        return lambda url: posted(posters[-1], url)

    yield new
    for poster in posters:
        poster.close()


def posted(poster: Poster, url: str) -> EndpointResponse:
    """What a poster gets, waited for."""
    responses, came = [], threading.Event()

    def done(response: EndpointResponse) -> None:
        responses.append(response)
        came.set()

    poster.submit(url, {}, b"{}", done)
    assert came.wait(20)
    return responses[0]


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Where sockets were told to connect. None of them gets there."""
    places: list[Any] = []
    real = socket.getaddrinfo

    def connect(self: socket.socket, place: Any) -> None:
        places.append(place[:2])
        raise ConnectionRefusedError

    def resolve(host: str, port: int, **more: Any) -> list[Any]:
        answers = ANSWERS.get(host, [PUBLIC] if host == "public.example" else None)
        return real(host, port, **more) if answers is None else _infos(answers, port)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    yield places


def _infos(addresses: list[str], port: int) -> list[Any]:
    return [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (each, port, 0, 0)) if ":" in each
        else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
        for each in addresses
    ]  # fmt: skip

"""Through each shipped proxy: slow clients, requests that can be read in two ways, bodies that are too large or cut."""

from __future__ import annotations

import copy
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.deploy.proxies import PROXIES, caddy
from tests.drills.conftest import IS_LONG, sized
from tests.drills.test_smuggling import MEBIBYTE, POST, REFUSED, _statuses
from tests.graph.far_end import far_end
from tests.load.bodies import Maker, sign
from tests.load.gateway import APP_SECRET, Gateway, running
from tests.load.in_flight import wait_for
from tests.load.senders import post_all
from tests.load.slow_clients import probe, slow_clients

FALSE = b"X-Hub-Signature-256: sha256=" + b"0" * 64 + b"\r\n"
SLOW = (*[b""] * 3, *[POST + b"X-Drip: "] * 2, *[POST + FALSE + b"Content-Length: 100000\r\n\r\n{"] * 2)
"""Of seven, three are silent, two drip a head and two a body."""

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = {"WORKER": "external", "TRUSTED_PROXIES": "1", "WEB_CONCURRENCY": "1"}
    with running(Gateway(tmp_path_factory.mktemp("gateway"), settings)) as started:
        yield started


@pytest.fixture(scope="module", params=PROXIES)
def front(request: pytest.FixtureRequest) -> str:
    """The proxy's name."""
    return str(request.param)


@pytest.fixture(scope="module")
def proxy(front: str, gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a proxy in front of the gateway."""
    with PROXIES[front](tmp_path_factory.mktemp(front), [gateway.port]) as port:
        wait_for(lambda: exchange(port, HEALTH) == [200], 30)  # two of them ask the gateway first
        yield port


def exchange(port: int, request: bytes, *, then_close: bool = False) -> list[int]:
    """Send the bytes; the statuses of whatever comes until the other side closes, or has said nothing for a while."""
    came = b""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as client:
        with suppress(BrokenPipeError, ConnectionResetError):  # refused half-way: the answer may be there
            client.sendall(request)
            if then_close:
                client.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            while chunk := client.recv(65_536):
                came += chunk
                client.settimeout(1)
    return list(_statuses(came))


def kept(gateway: Gateway) -> int:
    """How many webhooks the gateway has."""
    return len(gateway.get("/api/notifications?limit=500").json()["data"])


def chunked(body: bytes) -> bytes:
    pieces = (body[at : at + 65_536] for at in range(0, len(body), 65_536))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


def signed(body: bytes) -> bytes:
    return POST + b"X-Hub-Signature-256: " + sign(body, APP_SECRET).encode() + b"\r\n"


def answer_and_close(connection: socket.socket) -> None:
    """What stands in for the gateway, one connection at a time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    connection.shutdown(socket.SHUT_RDWR)


def behind(gateway: Gateway, port: int) -> Gateway:
    """The gateway as it is reached through the proxy."""
    other = copy.copy(gateway)
    other.port = port
    return other


def test_everybody_else_is_answered_beside_700_slow_clients(gateway: Gateway, proxy: int, front: str) -> None:
    webhooks = list(Maker(APP_SECRET, proxy).mixed(20))

    with slow_clients(proxy, 700, SLOW):
        times = sorted(probe(proxy, "/healthz", seconds=sized(2, 20)))
        acks = post_all(behind(gateway, proxy), webhooks, seconds=30)

    print(f"{front}: {len(times)} times, p50 {times[len(times) // 2]:.0f}, p99 {times[int(len(times) * 0.99)]:.0f} ms")
    assert len(times) > 5 and times[-1] < float("inf")
    assert len(acks.acknowledged) == len(webhooks) and acks.refused == {}
    if IS_LONG:
        assert times[int(len(times) * 0.99)] <= 100


def test_what_can_be_read_in_two_ways_is_refused_or_read_in_one(gateway: Gateway, proxy: int) -> None:
    """What is left of a request that was read in one way is another request, of the same client, and no secret one."""
    before = kept(gateway)

    with ThreadPoolExecutor(len(REFUSED)) as pool:
        found = dict(zip(REFUSED, pool.map(lambda case: exchange(proxy, case[0]), REFUSED.values()), strict=True))

    assert {name: got for name, got in found.items() if not got or not 400 <= got[0] <= 501} == {}
    always = ("two lengths", "two hosts", "a target that is too long", "two hundred headers", "bare line feeds")
    assert {name: found[name] for name in always if not set(found[name]) <= {400, 401, 414, 431}} == {}
    assert kept(gateway) == before


@pytest.mark.parametrize("cut", [True, False], ids=["the length cuts it", "the length is more"])
def test_a_body_with_a_length_and_chunks_is_refused_or_read_whole(
    gateway: Gateway, proxy: int, front: str, cut: bool
) -> None:
    """nginx refuses it. HAProxy and Caddy drop the length before any rule sees it, and read chunks, as RFC 9112 says.

    So the gateway behind them cannot know of the length. A body that its length would cut is never taken for one.
    """
    part = b'{"object":"whatsapp_business_account","entry":[]}'
    whole, before = part + b" " * 5_000, kept(gateway)
    length = len(part) if cut else len(whole) + 10
    head = signed(part if cut else whole) + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % length

    found = exchange(proxy, head + chunked(whole) + b"0\r\n\r\n")

    refused = [400] if front == "nginx" else [401] if cut else []
    assert found == (refused or [200])
    assert kept(gateway) == before + (not refused)


@pytest.mark.parametrize("front", ["haproxy", "caddy"])
def test_of_a_length_and_chunks_the_server_behind_gets_the_chunks_alone(front: str, tmp_path: Path) -> None:
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    with far_end(answer_and_close) as end, PROXIES[front](tmp_path, [end.port]) as port:
        exchange(port, request + b"0\r\n\r\n")

    (head,) = [each.lower() for each in end.requests if each.startswith(b"POST")]
    assert b"transfer-encoding: chunked" in head and b"content-length" not in head


@pytest.mark.parametrize(("size", "status"), [(3 * MEBIBYTE, 200), (5 * MEBIBYTE, 413)])
def test_the_size_of_a_body(gateway: Gateway, proxy: int, size: int, status: int) -> None:
    body = b" " * size
    head, before = signed(body), kept(gateway)

    told = exchange(proxy, head + b"Content-Length: %d\r\n\r\n" % size + body)
    in_chunks = exchange(proxy, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body) + b"0\r\n\r\n")

    # Caddy closes on who still sends, and the answer may be lost on the way: so both are refused, heard or not. Two of
    # these at once may be more than a process holds of unfinished bodies, for which it says 503.
    refused = {413, 503} if status == 413 else set()
    assert set(told + in_chunks) <= refused if refused else told + in_chunks == [200, 200]
    assert kept(gateway) - before == (2 if status == 200 else 0)


@pytest.mark.parametrize("half", [True, False], ids=["half closed", "closed"])
def test_a_body_that_ends_too_early_is_never_kept(gateway: Gateway, proxy: int, half: bool, front: str) -> None:
    """Its beginning is signed, so that it would be kept if anybody took it for the whole."""
    body, before = b'{"object":"whatsapp_business_account","entry":[]}', kept(gateway)
    ends = [
        b"Content-Length: %d\r\n\r\n" % (len(body) + 10) + body,
        b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body),
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % (len(body) + 5) + body,
        b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % len(body) + body,
    ]

    found = []
    for end in ends:
        if half:
            found += exchange(proxy, signed(body) + end, then_close=True)
        else:
            with socket.create_connection(("127.0.0.1", proxy), timeout=15) as client:
                client.sendall(signed(body) + end)

    # Caddy 2.6 answers 200 itself to who breaks off and goes on reading; the gateway has nothing of it, either.
    assert front == "caddy" or 200 not in found
    assert kept(gateway) == before


@pytest.mark.parametrize("target", ["/api/messages/wamid.a%2Fb//c%3D%3D?x=%2F", "/gateway/../api/events"])
def test_what_clients_say_of_themselves_is_replaced_and_paths_pass_as_they_are(
    front: str, tmp_path: Path, target: str
) -> None:
    claimed = "".join(f"{name}: evil\r\n" for name in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host",
                                                       "X-Forwarded-Prefix", "Forwarded"))  # fmt: skip
    with far_end(answer_and_close) as end:
        with PROXIES[front](tmp_path, [end.port]) as port:
            with socket.create_connection(("127.0.0.1", port), timeout=15) as client:
                head = f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{claimed}Connection: close\r\n\r\n"
                client.sendall(head.encode())
                while client.recv(65_536):
                    pass

    (head,) = [each.decode().lower() for each in end.requests if b"/readyz" not in each[:20]]
    assert head.startswith(f"get {target.lower()} http/1.1\r\n")
    lines = {line for line in head.split("\r\n") if "forwarded" in line}
    assert lines <= {"x-forwarded-for: 127.0.0.1", "x-forwarded-proto: http", "x-forwarded-proto: https"}
    assert len(lines) == 2 and "evil" not in head


def test_logs_hold_no_query_and_no_end_of_a_path(front: str, tmp_path: Path, gateway: Gateway) -> None:
    with PROXIES[front](tmp_path, [gateway.port]) as port:
        exchange(port, b"GET /api/messages/wamid.SECRET?token=SECRET HTTP/1.1\r\nHost: localhost\r\n\r\n")
        exchange(port, b"GET /SECRET HTTP/1.1\r\nHost: localhost\r\nAuthorization: SECRET\r\n\r\n")

    written = "".join(path.read_text() for name in ("proxy.txt", "access.log") if (path := tmp_path / name).exists())
    assert "GET" in written and "SECRET" not in written


def test_caddy_drops_nothing_that_came_for_another_name(tmp_path: Path) -> None:
    """By itself it answers 200 to that, and a webhook would be lost."""
    with far_end(answer_and_close) as end, caddy(tmp_path, [end.port], "localhost") as port:
        request = POST.replace(b"Host: localhost", b"Host: other.example") + b"Content-Length: 0\r\n\r\n"
        assert exchange(port, request) == [421]

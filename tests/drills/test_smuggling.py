"""Requests that two servers could read in two ways are refused, and so are bodies that are too large."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from tests.load.bodies import sign
from tests.load.gateway import APP_SECRET, Gateway

pytestmark = pytest.mark.parametrize("gateway", ["sqlite"], indirect=True)  # the database plays no part here
POST = b"POST /webhook/whatsapp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
MEBIBYTE = 1024 * 1024

REFUSED: dict[str, tuple[bytes, set[int]]] = {
    "a length and chunks": (
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, {400}),
    "chunks and a length": (
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED, {400}),
    "two lengths": (POST + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + SMUGGLED, {400}),
    "a list of lengths": (POST + b"Content-Length: 0, 44\r\n\r\n" + SMUGGLED, {400}),
    "a length with a sign": (POST + b"Content-Length: +4\r\n\r\nabcd", {400}),
    "a negative length": (POST + b"Content-Length: -1\r\n\r\n", {400}),
    "a length that is a word": (POST + b"Content-Length: four\r\n\r\nabcd", {400}),
    "two hosts": (POST + b"Host: elsewhere\r\nContent-Length: 2\r\n\r\n{}", {400}),
    "an encoding nobody speaks": (POST + b"Transfer-Encoding: gzip\r\n\r\n", {400, 501}),
    "chunks, but not at last": (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED, {400, 501}),
    "chunks twice": (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400, 501}),
    "a space before the colon": (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, {400}),
    "a folded header": (POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, {400}),
    "bare line feeds": (POST.replace(b"\r\n", b"\n") + b"Content-Length: 2\n\n{}", {400}),
    "a NUL in a header": (POST + b"X-A: a\x00b\r\nContent-Length: 2\r\n\r\n{}", {400}),
    "a target that is too long": (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", {414}),
    "two hundred headers": (
        POST + b"".join(b"X-%d: 1\r\n" % number for number in range(200)) + b"Content-Length: 2\r\n\r\n{}", {431}),
    "a header that is too long": (POST + b"X-Long: " + b"a" * 20_000 + b"\r\nContent-Length: 2\r\n\r\n{}", {431}),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses_a_request_that_can_be_read_in_two_ways(gateway: Gateway, name: str) -> None:
    request, expected = REFUSED[name]

    statuses = list(_statuses(_exchange(gateway, request)))

    assert len(statuses) == 1 and statuses[0] in expected


@pytest.mark.parametrize("size", [4 * MEBIBYTE + 1, 5 * MEBIBYTE, 30 * MEBIBYTE])
def test_it_refuses_a_chunked_body_that_is_too_large(gateway: Gateway, size: int) -> None:
    body = b" " * size
    pieces = (body[at : at + 65_536] for at in range(0, size, 65_536))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = POST + b"X-Hub-Signature-256: " + sign(body, APP_SECRET).encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n"

    statuses = list(_statuses(_exchange(gateway, head + chunks + b"0\r\n\r\n")))

    assert statuses == [413]


def test_it_refuses_a_length_that_is_too_large_before_the_body_comes(gateway: Gateway) -> None:
    head = POST + b"X-Hub-Signature-256: sha256=" + b"0" * 64 + b"\r\nContent-Length: 5000000000\r\n\r\n"

    assert list(_statuses(_exchange(gateway, head))) == [413]


def _exchange(gateway: Gateway, request: bytes) -> bytes:
    """Send the bytes and return whatever comes until the server closes, or has said nothing for a second."""
    came = b""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as client:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused half-way: the answer may be there
            client.sendall(request)
        with contextlib.suppress(OSError):
            while chunk := client.recv(65_536):
                came += chunk
                client.settimeout(1)
    return came


def _statuses(answer: bytes) -> Iterator[int]:
    """The status of every answer in what came back."""
    for part in answer.split(b"HTTP/1.")[1:]:
        yield int(part[2:5])

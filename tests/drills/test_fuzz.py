"""Whatever the body: no 5xx, and a signed one is kept byte for byte.

Long form, 20,000 bodies on each database: `DRILL=long .venv/bin/pytest tests/drills/test_fuzz.py`.
"""

from __future__ import annotations

import http.client
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.drills.conftest import sized
from tests.load.bodies import Maker, sign
from tests.load.books import Books
from tests.load.fuzz import Fuzz
from tests.load.gateway import APP_SECRET, Gateway
from tests.load.senders import PATH

SEED = 1601
LIMIT = 4 * 1024 * 1024
LISTS = ("/api/messages?limit=500", "/api/events?limit=500", "/api/notifications?limit=500")


def test_it_keeps_every_odd_body_that_is_signed_and_refuses_every_other(gateway: Gateway) -> None:
    fuzz, chance = Fuzz(SEED), random.Random(SEED)
    answers: Counter[tuple[bool, int]] = Counter()
    signed: Counter[bytes] = Counter()
    unsigned: set[bytes] = set()
    with _connected(gateway) as connection:
        for _ in range(sized(1_100, 20_000)):
            body, is_signed = fuzz.body(), chance.random() < 0.8
            status = _post(connection, body, _signature(body, is_signed, chance), chunked=chance.random() < 0.3)
            answers[is_signed, status] += 1
            if is_signed:
                signed[body] += 1
            else:
                unsigned.add(body)

    books = Books(gateway)
    books.wait_settled()
    kept = books.bodies()
    assert set(answers) == {(True, 200), (False, 401)}
    assert signed - kept == Counter()
    assert not {body for body in unsigned - set(signed) if kept[body]}
    books.assert_sound()


@pytest.mark.parametrize("path", LISTS)
def test_what_odd_bodies_left_behind_can_be_read(gateway: Gateway, path: str) -> None:
    with _connected(gateway) as connection:
        for body in _odd_bodies():
            assert _post(connection, body, sign(body, APP_SECRET), chunked=False) == 200
    Books(gateway).wait_settled()

    page = gateway.get(path)
    while page.status == 200 and page.json()["next_cursor"]:
        page = gateway.get(f"{path}&cursor={page.json()['next_cursor']}")

    assert page.status == 200


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_it_keeps_a_body_of_four_mebibytes_and_no_byte_more(gateway: Gateway, chunked: bool) -> None:
    maker = Maker(APP_SECRET, SEED + chunked)
    text = maker.one_text()
    largest = text.body[:-1] + b" " * (LIMIT - len(text.body)) + text.body[-1:]
    too_large = text.body[:-1] + b" " * (LIMIT + 1 - len(text.body)) + text.body[-1:]

    statuses = []
    for body in (largest, too_large):
        with _connected(gateway) as connection:
            statuses.append(_post(connection, body, sign(body, APP_SECRET), chunked=chunked))

    books = Books(gateway)
    books.wait_settled()
    assert statuses == [200, 413]
    assert books.messages()[text.messages[0]] == 1
    kept = [row[0] for row in books.rows("SELECT length(raw) FROM notifications WHERE length(raw) > 1000000")]
    assert kept and set(kept) == {LIMIT}


def _odd_bodies() -> Iterator[bytes]:
    fuzz = Fuzz(SEED + 100)
    for _ in range(60):
        yield fuzz.mutated()
        yield fuzz.surrogates()
        yield fuzz.huge_numbers()


def _signature(body: bytes, is_signed: bool, chance: random.Random) -> str:
    """The right one, or one of the wrong ones."""
    right = sign(body, APP_SECRET)
    if is_signed:
        return right
    wrong = (
        "", "sha256=", right[7:], right[:-1], "sha1=" + right[7:47], right + "0", sign(body + b" ", APP_SECRET),
        sign(body, "another-secret-0123456789abcdef"), "sha256=" + "0" * 64, "sha256=é", right.replace("=", ""),
    )  # fmt: skip
    return chance.choice(wrong)


@contextmanager
def _connected(gateway: Gateway) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    try:
        yield connection
    finally:
        connection.close()


def _post(connection: http.client.HTTPConnection, body: bytes, signature: str, *, chunked: bool) -> int:
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature}
    if chunked:
        pieces = (body[start : start + 700_001] for start in range(0, len(body), 700_001))
        connection.request("POST", PATH, pieces, {**headers, "Transfer-Encoding": "chunked"}, encode_chunked=True)
    else:
        connection.request("POST", PATH, body, headers)
    response = connection.getresponse()
    response.read()
    return response.status

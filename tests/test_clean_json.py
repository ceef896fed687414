from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clean_json import MAX_DEPTH, decode
from app.errors import Malformed


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"a":[1,-2.5,"x",true,null]}', {"a": [1, -2.5, "x", True, None]}),
        (rb'"a\u0000b"', "a\ufffdb"),
        (rb'{"a\u0000":{"\u0000":1}}', {"a\ufffd": {"\ufffd": 1}}),
        (rb'"\ud83d\ude00"', "😀"),
        (rb'["\ud83d"]', ["\ufffd"]),
        (rb'["\ude00"]', ["\ufffd"]),
        (rb'["\uDE00\uD83D\uDE00\uD83D"]', ["\ufffd😀\ufffd"]),
        (rb'["\\ud83d\ude00"]', ["\\ud83d\ufffd"]),
        (rb'["\ud83d\\ude00"]', ["\ufffd\\ude00"]),
        (rb'["\\u0000"]', ["\\u0000"]),
        (rb'["\\\u0000"]', ["\\\ufffd"]),
        (rb'"\u00e1\ufffd"', "á\ufffd"),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"[9223372036854775808]", ["9223372036854775808"]),
        (b"-9223372036854775809", "-9223372036854775809"),
        (b"1" + b"0" * 5000, "1" + "0" * 5000),
        (b"[NaN,Infinity,-Infinity,1e999,-1e999,1e3]", [None, None, None, None, None, 1000.0]),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'"caf\xe9"', "caf\ufffd"),
        (b'"\xed\xa0\xbd"', "\ufffd\ufffd\ufffd"),
        (b'{"a":1,"a":2}', {"a": 2}),
        (rb'{"\u0000":1,"\ufffd":2}', {"\ufffd": 1}),
    ],
)
def test_it_reads(raw: bytes, expected: Any) -> None:
    assert decode(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b"{",
        b"{'a':1}",
        b'{"a":1}x',
        b'"a\x00b"',
        '{"a":1}'.encode("utf-16"),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe\xfd",
    ],
)
def test_it_refuses_what_is_not_json(raw: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        decode(raw)

    assert caught.value.message == "The bytes are not JSON."
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_what_stands_too_deep_is_left_out(opening: bytes, closing: bytes) -> None:
    kept = decode(opening * MAX_DEPTH + b"1" + closing * MAX_DEPTH)
    cut = decode(opening * 300 + b"1" + closing * 300)

    assert (depth(kept), depth(cut)) == (MAX_DEPTH, MAX_DEPTH + 1)
    assert b"1" in json.dumps(kept).encode()
    assert b"1" not in json.dumps(cut).encode()


def depth(tree: Any) -> int:
    levels = 0
    while isinstance(tree, (list, dict)):
        levels += 1
        tree = next(iter(tree.values() if isinstance(tree, dict) else tree), None)
    return levels


def test_many_shallow_containers_are_all_kept() -> None:
    tree = {"rows": [{"n": [number]} for number in range(1000)]}

    assert decode(json.dumps(tree).encode()) == tree


def test_dirt_is_found_among_thousands_of_clean_values() -> None:
    rows = [f"{number} 😀 \\ud83d" for number in range(5000)]

    tree = decode(json.dumps([*rows, "\ud83d", "\x00"]).encode())

    assert tree == [*rows, "\ufffd", "\ufffd"]


LETTERS = st.characters(codec=None, exclude_categories=()) | st.sampled_from("\\u0dDe\x00\ud83d\ude00")
TEXT = st.text(LETTERS, max_size=12)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)


@given(TREES, st.booleans())
def test_whatever_comes_out_can_be_stored(tree: Any, is_escaped: bool) -> None:
    raw = json.dumps(tree, ensure_ascii=is_escaped).encode(errors="surrogatepass")

    assert_storable(decode(raw))


def assert_storable(tree: Any) -> None:
    if isinstance(tree, str):
        tree.encode()
        assert "\x00" not in tree
    if isinstance(tree, int):
        assert -(2**63) <= tree < 2**63
    json.dumps(tree, allow_nan=False)
    inner = [*tree.keys(), *tree.values()] if isinstance(tree, dict) else tree if isinstance(tree, list) else []
    for element in inner:
        assert_storable(element)


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        decode(raw)
    except Malformed:
        pass

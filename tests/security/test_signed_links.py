"""A link opens what it was made for, until it ends."""

from __future__ import annotations

import pytest

from app.security.signed_links import is_signed, signed

KEY = "secret-key-of-the-tests-0123456789abcdef"
NAMES = frozenset({"mid", "phone_number_id"})
FACTS = {"mid": "12", "phone_number_id": "3"}


def opens(query: dict[str, str], *, key: str = KEY, purpose: str = "file", now: float = 999) -> bool:
    return is_signed(key, purpose, query, NAMES, now)


def test_a_link_opens_what_it_was_made_for() -> None:
    assert opens(signed(KEY, "file", FACTS, 1000.5))
    assert opens({**signed(KEY, "file", FACTS, 1000), "more": "x"})


def test_a_link_ends() -> None:
    assert not opens(signed(KEY, "file", FACTS, 1000), now=1000)


@pytest.mark.parametrize(
    "change",
    [{"mid": "1", "phone_number_id": "23"}, {"mid": "13"}, {"expires": "9999999999"}, {"expires": "x"},
     {"expires": "٩٩٩٩"}, {"signature": ""}, {"signature": "0" * 64}, {"signature": "ü"}],
)  # fmt: skip
def test_a_link_that_was_changed_opens_nothing(change: dict[str, str]) -> None:
    assert not opens({**signed(KEY, "file", FACTS, 1000), **change})


@pytest.mark.parametrize("name", ["mid", "phone_number_id", "expires", "signature"])
def test_nor_does_half_of_a_link(name: str) -> None:
    query = signed(KEY, "file", FACTS, 1000)
    del query[name]

    assert not opens(query)


def test_nor_one_of_another_kind_or_key() -> None:
    query = signed(KEY, "file", FACTS, 1000)

    assert not opens(query, purpose="page")
    assert not opens(query, key="another-secret-key-0123456789abcdef")

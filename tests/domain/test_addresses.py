from __future__ import annotations

import pytest

from app.domain.addresses import bare_number, is_user_id


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("34600111222", "34600111222"),
        ("+34 600 111 222", "34600111222"),
        ("+1 (555) 010-0100", "15550100100"),
        ("+55\u00a011.99999-8888", "5511999998888"),
        ("ES.4411002200330044", "ES.4411002200330044"),
        ("Y2FwaV9n", "Y2FwaV9n"),
        ("", ""),
        ("+", "+"),
    ],
)
def test_only_decoration_goes(text: str, expected: str) -> None:
    assert bare_number(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ES.4411002200330044", True),
        ("US.ENT.11815799212886844830", True),
        ("34600111222", False),
        ("es.44", False),
        ("ES.", False),
        ("ES.44 ", False),
        ("Y2FwaV9n", False),
    ],
)
def test_user_ids_are_told_from_numbers_and_groups(text: str, expected: bool) -> None:
    assert is_user_id(text) is expected

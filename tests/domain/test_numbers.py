from __future__ import annotations

import pytest

from app.domain.numbers import BusinessNumber, Directory

OURS = BusinessNumber("701", "app-a", "token-a", waba_id="901")
THEIRS = BusinessNumber("702", "app-b", "token-b", waba_id="902")
DIRECTORY = Directory({"701": OURS, "702": THEIRS}, (b"a", b"b"), ("app-a", "app-b"))


@pytest.mark.parametrize(
    ("app", "phone_number_id", "waba_id", "expected"),
    [
        ("app-a", "701", "901", True),
        ("app-b", "701", "901", False),
        ("app-b", "701", "902", False),
        ("app-a", None, "901", True),
        ("app-b", None, "901", False),
        ("app-b", "799", "901", True),
        ("app-b", None, "999", True),
        ("app-b", None, None, True),
    ],
)
def test_a_secret_vouches_only_for_the_numbers_of_its_app(
    app: str, phone_number_id: str | None, waba_id: str | None, expected: bool
) -> None:
    assert DIRECTORY.is_authorised_for(app, phone_number_id, waba_id) is expected


def test_numbers_are_found_by_id() -> None:
    assert [DIRECTORY.find(name) for name in ("701", "799", None)] == [OURS, None, None]


def test_a_number_shows_no_token() -> None:
    assert "token-a" not in repr(OURS) + repr(DIRECTORY)

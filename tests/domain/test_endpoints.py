from __future__ import annotations

import pytest

from app.domain.endpoints import Endpoint, Format


@pytest.mark.parametrize(
    ("types", "numbers", "type", "number", "is_wanted"),
    [
        (None, None, "account.update", None, True),
        (("message.received",), None, "message.received", "1", True),
        (("message.received",), None, "message.received.more", "1", False),
        (("message.*",), None, "message.status", "1", True),
        (("message.*",), None, "messages", "1", False),
        (("message.*", "call"), None, "call", "1", True),
        (None, ("1",), "message.received", "1", True),
        (None, ("1",), "message.received", "2", False),
        (None, ("1",), "account.update", None, False),
    ],
)
def test_it_wants_what_its_filters_let_through(
    types: tuple[str, ...] | None, numbers: tuple[str, ...] | None, type: str, number: str | None, is_wanted: bool
) -> None:
    endpoint = Endpoint("id", "https://app.example", Format.EVENT, (), types=types, numbers=numbers)

    assert endpoint.wants(type, number) is is_wanted


def test_its_repr_tells_no_secret() -> None:
    assert "whsec" not in repr(Endpoint("id", "https://app.example", Format.EVENT, ("whsec_secret",)))

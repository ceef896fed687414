from __future__ import annotations

import json
from typing import Any

import pytest

from app.domain.endpoints import Endpoint, Format
from app.services.events.log import is_for


@pytest.mark.parametrize(
    ("types", "type", "is_wanted"),
    [
        (None, "account.update", True),
        (("message.received",), "message.received", True),
        (("message.received",), "message.received.more", False),
        (("message.*",), "message.status", True),
        (("message.*",), "messages", False),
        (("message.*", "call"), "call", True),
    ],
)
def test_it_wants_what_its_filters_let_through(types: tuple[str, ...] | None, type: str, is_wanted: bool) -> None:
    endpoint = Endpoint("id", "https://app.example", Format.EVENT, (), types=types)

    assert endpoint.wants(type) is is_wanted


@pytest.mark.parametrize(
    ("numbers", "number", "data", "is_wanted"),
    [
        (None, None, {"field": "account_update"}, True),
        (("1",), "1", {}, True),
        (("1",), "2", {}, False),
        (("1",), "2", {"phone_number_ids": ["1"]}, False),
        (("1",), None, {"phone_number_ids": ["1", "2"]}, True),
        (("1",), None, {"phone_number_ids": ["2"]}, False),
        (("1",), None, {"phone_number_ids": []}, False),
        (("1",), None, {}, False),
    ],
)
def test_it_hears_of_its_numbers_and_their_own_account(
    numbers: tuple[str, ...] | None, number: str | None, data: dict[str, Any], is_wanted: bool
) -> None:
    endpoint = Endpoint("id", "https://app.example", Format.EVENT, (), numbers=numbers)

    assert is_for(endpoint, "account.account_update", number, "n", json.dumps(data)) is is_wanted


def test_its_repr_tells_no_secret() -> None:
    assert "whsec" not in repr(Endpoint("id", "https://app.example", Format.EVENT, ("whsec_secret",)))

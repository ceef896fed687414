"""What Graph says of its quota."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.domain.api_usage import ApiUsage
from app.graph.usage import MOST, read_usage

ACCOUNT = {
    "type": "messages", "call_count": 12, "total_cputime": 3, "total_time": 4, "estimated_time_to_regain_access": 7,
}  # fmt: skip


def test_it_reads_both_headers() -> None:
    headers = {
        "X-App-Usage": json.dumps({"call_count": 28, "total_time": 25, "total_cputime": 26}),
        "X-Business-Use-Case-Usage": json.dumps({"900": [ACCOUNT, {"type": "whatsapp_business_management"}]}),
    }

    assert read_usage(headers) == [
        ApiUsage(28, 26, 25),
        ApiUsage(12, 3, 4, "900", "messages", 7),
        ApiUsage(0, 0, 0, "900", "whatsapp_business_management"),
    ]


def test_most_answers_say_nothing() -> None:
    assert read_usage({"Content-Type": "application/json"}) == []


@pytest.mark.parametrize("value", ["", "{", "7", "[]", "null", '"x"', "[" * 100_000, '{"9":7}', '{"9":[7,null,[]]}'])
@pytest.mark.parametrize("header", ["X-App-Usage", "X-Business-Use-Case-Usage"])
def test_what_cannot_be_read_is_left_out(header: str, value: str) -> None:
    assert [each for each in read_usage({header: value}) if each != ApiUsage(0, 0, 0)] == []


@pytest.mark.parametrize(
    ("value", "read"),
    [(7, 7), ("7", 7), (7.9, 7), (-1, 0), (10**400, 2**31 - 1), (None, 0), ("x", 0), ([], 0), (True, 1)],
)
def test_numbers_are_such_that_a_database_takes_them(value: Any, read: int) -> None:
    assert read_usage({"X-App-Usage": json.dumps({"call_count": value})}) == [ApiUsage(read, 0, 0)]


def test_an_answer_fills_no_memory_and_no_table() -> None:
    many = {f"{n}": [ACCOUNT | {"type": "x" * 1_000}] for n in range(1_000)} | {"a\0": [ACCOUNT]}

    found = read_usage({"X-Business-Use-Case-Usage": json.dumps(many)})

    assert len(found) == MOST
    assert {len(each.kind) for each in found} == {64}
    assert read_usage({"X-Business-Use-Case-Usage": json.dumps({"a\0": [ACCOUNT]})})[0].waba_id == ""

from __future__ import annotations

from itertools import permutations

import pytest

from app.domain.statuses import advance


@pytest.mark.parametrize(
    ("current", "reported", "expected"),
    [
        ("queued", "sent", "sent"),
        ("sending", "accepted", "accepted"),
        ("unknown", "delivered", "delivered"),
        ("held", "read", "read"),
        ("accepted", "read", "read"),
        ("sent", "delivered", "delivered"),
        ("delivered", "sent", "delivered"),
        ("read", "delivered", "read"),
        ("read", "played", "played"),
        ("played", "read", "played"),
        ("sent", "sent", "sent"),
        ("accepted", "failed", "failed"),
        ("unknown", "failed", "failed"),
        ("failed", "delivered", "failed"),
        ("delivered", "failed", "delivered"),
        ("cancelled", "sent", "sent"),
        ("expired", "failed", "expired"),
        ("sent", "warning", "sent"),
        ("sent", "payment_failed", "sent"),
    ],
)
def test_a_message_only_moves_forward(current: str, reported: str, expected: str) -> None:
    assert advance(current, reported) == expected


@pytest.mark.parametrize("order", list(permutations(["sent", "delivered", "read"])))
def test_the_order_of_reports_makes_no_difference(order: tuple[str, ...]) -> None:
    status = "accepted"

    for reported in order:
        status = advance(status, reported)

    assert status == "read"

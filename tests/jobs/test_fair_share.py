"""How many deliveries an endpoint may have under way: its share, and more while its app stays as fast."""

from __future__ import annotations

import time

import pytest

from app.clock import utc_now
from app.domain.endpoints import Endpoint, Format
from app.jobs.fair_share import BEST_SECONDS, GROWTH, EndpointSlots
from app.services.delivering import BatchMember, DeliveryBatch, DeliveryResult
from app.store.deliveries import DeliveryClaim
from app.subscribers.client import EndpointResponse

SHARE = 4


def endpoint(max_in_flight: int | None = None) -> Endpoint:
    return Endpoint("app", "https://app.example", Format.EVENT, ("s",), max_in_flight=max_in_flight)


def batch(number: int) -> DeliveryBatch:
    claim = DeliveryClaim(number, "c", "app", "e", None, 0, False)
    return DeliveryBatch(endpoint(), (BatchMember(claim, None),))


def answer(slots: EndpointSlots, seconds: float, status: int = 200, to: Endpoint | None = None) -> int:
    """Answer one delivery while as many run as may; return the limit afterwards."""
    slots.running = {number: batch(number) for number in range(slots.limit - 1)}
    slots.note(DeliveryResult(batch(999), utc_now(), EndpointResponse(status, b"", None, seconds)))
    slots.capacity(to or endpoint(), SHARE, may_grow=True)
    return slots.limit


def started() -> EndpointSlots:
    slots = EndpointSlots()
    slots.capacity(endpoint(), SHARE, may_grow=True)
    return slots


def test_an_app_that_stays_as_fast_gets_more_up_to_eight_times_its_share() -> None:
    slots = started()
    assert [answer(slots, 0.1) for _ in range(3)] == [SHARE + 1, SHARE + 2, SHARE + 3]
    assert {answer(slots, 0.1) for _ in range(500)} >= {SHARE * GROWTH}
    assert slots.limit == SHARE * GROWTH


def test_one_that_becomes_slower_gets_less_at_once_however_long_it_was_fast() -> None:
    slots = started()
    for _ in range(500):
        answer(slots, 0.1)
    assert answer(slots, 0.31) == SHARE + (SHARE * GROWTH - SHARE) * 9 // 10


def test_a_failure_takes_it_back_to_its_share() -> None:
    slots = started()
    for _ in range(9):
        answer(slots, 0.1)
    assert answer(slots, 0.1, status=500) == SHARE


def test_its_own_bound_holds() -> None:
    slots = started()
    assert max(answer(slots, 0.1, to=endpoint(max_in_flight=6)) for _ in range(50)) == 6


def test_one_that_answered_once_in_a_millisecond_is_not_busy_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = started()
    answer(slots, 0.001)
    assert max(answer(slots, 0.15) for _ in range(50)) == SHARE

    began = time.monotonic()
    for turn in (1, 2):
        monkeypatch.setattr(time, "monotonic", lambda turn=turn: began + turn * (BEST_SECONDS + 1))
        answer(slots, 0.15)
    assert max(answer(slots, 0.15) for _ in range(50)) == SHARE * GROWTH


def test_one_that_may_have_more_shows_again_what_it_can_do_with_less(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = started()
    for _ in range(500):
        answer(slots, 0.1)
    later = time.monotonic() + BEST_SECONDS + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert answer(slots, 0.1) == SHARE + (SHARE * GROWTH - SHARE) // 2 + 1
    assert answer(slots, 0.31) < SHARE + (SHARE * GROWTH - SHARE) // 2, "its best time before still counts"

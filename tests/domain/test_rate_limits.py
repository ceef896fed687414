"""Turns: how many, when, and never more of them in a second than the number may."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain import rate_limits
from app.domain.rate_limits import NumberLimiter

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
SECOND = timedelta(seconds=1)


def test_the_first_after_a_pause_leaves_at_once_and_the_next_when_they_can_be_ready() -> None:
    first, second, third = rate_limits.free_slots(NOW, LONG_AGO, 80, 3)

    assert first == NOW and second == NOW + rate_limits.MIN_LEAD_TIME
    assert third - second == SECOND / (80 * rate_limits.UTILISATION)


def test_behind_others_the_first_comes_after_them() -> None:
    after = NOW + timedelta(milliseconds=100)

    assert rate_limits.free_slots(NOW, after, 80, 2) == [after, after + SECOND / (80 * rate_limits.UTILISATION)]
    assert rate_limits.free_slots(NOW, NOW + timedelta(milliseconds=1), 80, 1) == [NOW + rate_limits.MIN_LEAD_TIME]


def test_none_is_given_out_far_ahead() -> None:
    assert rate_limits.free_slots(NOW, NOW + rate_limits.SLOT_HORIZON + timedelta(milliseconds=1), 80, 5) == []
    assert max(rate_limits.free_slots(NOW, LONG_AGO, 1000, 10_000)) <= NOW + rate_limits.SLOT_HORIZON
    assert rate_limits.free_slots(NOW, LONG_AGO, 80, 0) == []


@pytest.mark.parametrize("rate", [0.5, 1, 5, 80, 1000])
def test_no_second_has_more_than_the_rate(rate: float) -> None:
    found: list[datetime] = []
    free_at, now = LONG_AGO, NOW
    while now < NOW + 4 * SECOND:
        given = rate_limits.free_slots(now, free_at, rate, 64)
        if given:
            found += given
            free_at = rate_limits.slot_after(given[-1], rate)
        now += timedelta(milliseconds=37)

    assert found == sorted(found)
    for place, turn in enumerate(found):
        assert len([each for each in found[place:] if each - turn < SECOND]) <= max(1, rate)
    assert len(found) >= 0.95 * rate * 4 - 1


def test_no_stored_time_is_believed_beyond_what_it_can_be() -> None:
    later = NOW + timedelta(hours=2)
    limiter = NumberLimiter(
        "1", later, later, share_changed_at=later, probe_at=later, paused_for="rate", paused_until=later
    )

    rate_limits.clamp(limiter, NOW)

    assert limiter.next_slot_at - NOW <= timedelta(seconds=10)
    assert (limiter.inbound_counted_at, limiter.share_changed_at) == (NOW, NOW)
    assert limiter.probe_at == NOW + timedelta(minutes=15)
    assert limiter.paused_until == NOW + timedelta(minutes=5)
    assert NOW + timedelta(minutes=4) < rate_limits.clamp_paid_until(later, NOW) < NOW + timedelta(minutes=6)


def test_what_a_time_can_be_is_believed() -> None:
    soon = NOW + timedelta(seconds=4)
    limiter = NumberLimiter("1", soon, NOW, probe_at=soon, paused_for="auth", paused_until=NOW + timedelta(minutes=9))
    before = replace(limiter)

    rate_limits.clamp(limiter, NOW)

    assert limiter == before
    assert rate_limits.clamp_paid_until(soon, NOW) == soon

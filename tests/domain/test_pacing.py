"""Turns: how many, when, and never more of them in a second than the number may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain import pacing

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
SECOND = timedelta(seconds=1)


def test_the_first_after_a_pause_leaves_at_once_and_the_next_when_they_can_be_ready() -> None:
    first, second, third = pacing.turns(NOW, LONG_AGO, 80, 3)

    assert first == NOW and second == NOW + pacing.LEAD
    assert third - second == SECOND / (80 * pacing.USED)


def test_behind_others_the_first_comes_after_them() -> None:
    after = NOW + timedelta(milliseconds=100)

    assert pacing.turns(NOW, after, 80, 2) == [after, after + SECOND / (80 * pacing.USED)]
    assert pacing.turns(NOW, NOW + timedelta(milliseconds=1), 80, 1) == [NOW + pacing.LEAD]


def test_none_is_given_out_far_ahead() -> None:
    assert pacing.turns(NOW, NOW + pacing.AHEAD + timedelta(milliseconds=1), 80, 5) == []
    assert max(pacing.turns(NOW, LONG_AGO, 1000, 10_000)) <= NOW + pacing.AHEAD
    assert pacing.turns(NOW, LONG_AGO, 80, 0) == []


@pytest.mark.parametrize("rate", [0.5, 1, 5, 80, 1000])
def test_no_second_has_more_than_the_rate(rate: float) -> None:
    found: list[datetime] = []
    free_at, now = LONG_AGO, NOW
    while now < NOW + 4 * SECOND:
        given = pacing.turns(now, free_at, rate, 64)
        if given:
            found += given
            free_at = pacing.turn_after(given[-1], rate)
        now += timedelta(milliseconds=37)

    assert found == sorted(found)
    for place, turn in enumerate(found):
        assert len([each for each in found[place:] if each - turn < SECOND]) <= max(1, rate)
    assert len(found) >= 0.95 * rate * 4 - 1

from __future__ import annotations

import pytest

from app.domain.retry_schedule import GIVE_UP_AFTER, pause_after

HOUR, DAY = 3600, 86400


def schedule(chance: float) -> list[float]:
    age, pauses = 0.0, []
    while (pause := pause_after(age, None, lambda: chance)) is not None:
        pauses.append(pause)
        age += pause
    return pauses


def test_it_comes_soon_and_often_at_first_and_then_for_three_days() -> None:
    assert schedule(0.5) == [5, 15, 30, 60, 120, 300, 1800, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, DAY]


@pytest.mark.parametrize("chance", [0.0, 0.2, 0.8, 1.0])
def test_whatever_chance_adds_it_is_tried_for_three_days_and_not_for_five(chance: float) -> None:
    pauses = schedule(chance)

    assert pauses[0] == pytest.approx(5 * (0.8 + 0.4 * chance))
    assert GIVE_UP_AFTER <= sum(pauses) < 5 * DAY
    assert 10 < len(pauses) <= 20


def test_tries_that_were_made_early_take_nothing_away() -> None:
    assert pause_after(DAY, None, lambda: 0.5) == pause_after(DAY + 60, None, lambda: 0.5) is not None


@pytest.mark.parametrize(
    ("age", "wish", "pause"),
    [(0, 60, 60), (0, 0, 5), (0, 10**9, HOUR), (9530, HOUR, 5 * HOUR), (GIVE_UP_AFTER, 5, None)],
)
def test_a_wish_lengthens_a_pause_and_never_beyond_an_hour(age: int, wish: int, pause: float | None) -> None:
    assert pause_after(age, wish, lambda: 0.5) == pause

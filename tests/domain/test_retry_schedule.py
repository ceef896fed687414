from __future__ import annotations

import pytest

from app.domain.retry_schedule import PAUSES, pause_after

HOUR = 3600


def test_the_schedule_is_the_standards() -> None:
    planned = [pause_after(tries, None, lambda: 0.5) for tries in range(11)]

    assert planned == [0, 5, 300, 1800, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR, None]


@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.8), (1.0, 1.2)])
def test_each_pause_is_a_fifth_shorter_or_longer(chance: float, share: float) -> None:
    for tries, pause in enumerate(PAUSES):
        assert pause_after(tries, None, lambda: chance) == pytest.approx(pause * share)


@pytest.mark.parametrize(
    ("tries", "wish", "pause"),
    [(1, 60, 60), (1, 0, 5), (1, 10**9, HOUR), (2, 60, 300), (4, HOUR, 2 * HOUR), (10, 5, None)],
)
def test_a_wish_lengthens_a_pause_and_never_beyond_an_hour(tries: int, wish: int, pause: float | None) -> None:
    assert pause_after(tries, wish, lambda: 0.5) == pause

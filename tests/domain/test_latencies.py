from __future__ import annotations

import random
from collections import Counter

import pytest

from app.domain.latencies import BOUNDS, bucket_of, quantile


def test_nothing_counted_has_no_quantile() -> None:
    assert quantile({}, 0.5) is None


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_a_quantile_is_right_to_within_half_of_itself(share: float) -> None:
    chance = random.Random(7)
    took = sorted(chance.lognormvariate(-4, 2) for _ in range(5000))

    found = quantile(Counter(bucket_of(each) for each in took), share)

    assert found == pytest.approx(took[int(share * len(took)) - 1], rel=0.5)


def test_what_took_longer_than_the_last_bound_is_told_as_that() -> None:
    assert quantile({bucket_of(10 * BOUNDS[-1]): 3}, 0.5) == BOUNDS[-1]


def test_clocks_that_differ_give_the_shortest_duration() -> None:
    assert bucket_of(-5.0) == 0

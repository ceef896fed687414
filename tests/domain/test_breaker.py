from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.domain.breaker import FAILURES, GIVE_UP_AFTER, Health

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def failing(times: int) -> Health:
    health = Health()
    for _ in range(times):
        health = health.failed(NOW)
    return health


def test_it_opens_at_the_fifth_failure_in_a_row() -> None:
    assert failing(FAILURES - 1).open_until is None
    assert failing(FAILURES).open_until == NOW + timedelta(seconds=30)


def test_what_was_under_way_when_it_opened_opens_it_no_further() -> None:
    assert failing(FAILURES + 20).open_until == NOW + timedelta(seconds=30)


def test_each_probe_that_fails_doubles_the_pause_up_to_ten_minutes() -> None:
    health, pauses = failing(FAILURES), []
    for _ in range(1000):
        health = health.failed(NOW, is_probe=True)
        assert health.open_until is not None
        pauses.append((health.open_until - NOW).total_seconds())

    assert pauses[:5] == [60, 120, 240, 480, 600]
    assert pauses[-1] == 600


def test_it_is_hopeless_after_five_days_and_five_failures() -> None:
    assert not failing(FAILURES).is_hopeless(NOW + GIVE_UP_AFTER - timedelta(seconds=1))
    assert failing(FAILURES).is_hopeless(NOW + GIVE_UP_AFTER)
    assert not failing(1).is_hopeless(NOW + 10 * GIVE_UP_AFTER)
    assert not Health().is_hopeless(NOW)

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.domain.breaker import ANSWERED_FOR, GIVE_UP_AFTER, SILENCES, Health
from app.domain.delivery_dispositions import DeliveryDisposition

ACCEPTED, REFUSED, FAILING, NO_RESPONSE = DeliveryDisposition
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def after(times: int, disposition: DeliveryDisposition = NO_RESPONSE, health: Health | None = None) -> Health:
    health = health or Health()
    for _ in range(times):
        health = health.after(disposition, NOW)
    return health


def test_it_opens_at_the_fifth_silence_in_a_row_and_no_further_by_what_was_under_way() -> None:
    assert after(SILENCES - 1).open_until is None
    assert after(SILENCES).open_until == after(SILENCES + 20).open_until == NOW + timedelta(seconds=5)


def test_each_probe_that_stays_unanswered_doubles_the_pause_up_to_a_minute() -> None:
    health, pauses = after(SILENCES), []
    for _ in range(1000):
        health = health.after(NO_RESPONSE, NOW, is_probe=True)
        assert health.open_until is not None
        pauses.append((health.open_until - NOW).total_seconds())

    assert pauses[:5] == [10, 20, 40, 60, 60]
    assert pauses[-1] == 60


def test_answers_about_events_never_open_it_and_close_it() -> None:
    refusing = after(1000, REFUSED)
    closed = after(SILENCES).after(REFUSED, NOW, is_probe=True)

    assert (refusing.open_until, refusing.failures, refusing.failing_since) == (None, 1000, NOW)
    assert (closed.open_until, closed.silences, closed.failing_since) == (None, 0, NOW)
    assert after(3).after(ACCEPTED, NOW) == Health()


def test_an_app_that_answers_and_takes_nothing_is_left_alone_only_after_a_minute() -> None:
    failing = after(100, FAILING)

    assert failing.open_until is None
    assert failing.after(FAILING, NOW + ANSWERED_FOR).open_until is not None


def test_an_app_that_asks_to_be_left_alone_is_at_once_and_for_an_hour_at_most() -> None:
    assert Health().after(FAILING, NOW, requested_pause=40).open_until == NOW + timedelta(seconds=40)
    assert Health().after(FAILING, NOW, requested_pause=10**6).open_until == NOW + timedelta(hours=1)


def test_it_is_hopeless_after_five_days_and_five_failures() -> None:
    assert not after(5).is_hopeless(NOW + GIVE_UP_AFTER - timedelta(seconds=1))
    assert after(5).is_hopeless(NOW + GIVE_UP_AFTER) and after(5, REFUSED).is_hopeless(NOW + GIVE_UP_AFTER)
    assert not after(1).is_hopeless(NOW + 10 * GIVE_UP_AFTER)
    assert not Health().is_hopeless(NOW)

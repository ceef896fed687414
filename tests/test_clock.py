"""A machine's clock that leaps, or is set wrong, does no harm for longer than it must."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from app import clock
from app.clock import PATIENCE_SECONDS, SteadyClock
from app.container import Gateway
from app.db.database import Database
from tests.conftest import Clock, on_postgresql, on_sqlite
from tests.factories import message_body, text
from tests.jobs.conftest import Harness
from tests.subscriber import subscriber

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
AHEAD = timedelta(hours=2)
SECOND = timedelta(seconds=1)


def test_it_tells_what_the_machine_tells() -> None:
    steady = SteadyClock()

    assert [steady.read(NOON + number * SECOND, 100.0 + number) for number in range(3)] == [
        NOON, NOON + SECOND, NOON + 2 * SECOND
    ]  # fmt: skip


def test_a_leap_of_twenty_seconds_is_not_seen_at_all() -> None:
    steady = SteadyClock()
    told = [steady.read(NOON, 0.0)]
    for number in range(1, 40):
        wrong = AHEAD if number <= 20 else timedelta(0)
        told.append(steady.read(NOON + number * SECOND + wrong, float(number)))

    assert told == [NOON + number * SECOND for number in range(40)]


def test_a_leap_that_stays_is_believed_in_the_end() -> None:
    steady = SteadyClock()
    steady.read(NOON, 0.0)

    assert steady.read(NOON + SECOND + AHEAD, 1.0) == NOON + SECOND
    late = NOON + timedelta(seconds=1 + PATIENCE_SECONDS) + AHEAD
    assert steady.read(late, 1 + PATIENCE_SECONDS) == late


def test_drift_is_no_leap() -> None:
    steady = SteadyClock()

    for number in range(2_000):
        machine = NOON + number * timedelta(seconds=1.002)
        assert steady.read(machine, float(number)) == machine


def test_the_database_is_gone_by_where_it_certainly_differs() -> None:
    steady = SteadyClock()
    steady.follow(NOON, NOON + AHEAD, 0.0, SECOND)
    assert steady.read(NOON + AHEAD + SECOND, 1.0) == NOON + SECOND

    steady.follow(NOON, NOON + 2 * SECOND, 2.0, 1.5 * SECOND)  # it may be as well as right
    assert steady.read(NOON + 3 * SECOND, 3.0) == NOON + 3 * SECOND


@on_postgresql
def test_a_database_on_this_machine_changes_nothing(database: Database, own_time: None) -> None:
    database.keep_time()

    assert abs(clock.machine_is_ahead()) < SECOND


@on_sqlite
def test_readyz_tells_by_how_much_the_machine_is_wrong(client: FlaskClient, own_time: None) -> None:
    assert client.get("/readyz").get_json()["clock_ahead_seconds"] == 0
    now = datetime.now(UTC)
    clock.follow(now - AHEAD, now, now)

    assert client.get("/readyz").get_json()["clock_ahead_seconds"] == pytest.approx(7200, abs=1)
    assert clock.is_too_far()


def test_a_worker_whose_clock_is_far_off_delivers_nothing(
    gateway: Gateway, receive: Callable[..., None], own_time: None
) -> None:
    with subscriber() as app:
        harness = Harness(gateway, Clock(), 2)
        harness.endpoint(app.url)
        receive(message_body(text()))
        now = datetime.now(UTC)
        clock.follow(now - AHEAD, now, now)
        for _ in range(3):
            harness.deliver()
        assert app.posted == []
        clock.follow(now, now, now)
        harness.rounds()
        harness.deliver.close()

    assert len(app.posted) == 1


@pytest.fixture
def own_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A clock of the test's own."""
    monkeypatch.setattr(clock, "_clock", SteadyClock())
    yield

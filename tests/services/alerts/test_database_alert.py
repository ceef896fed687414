"""A database that takes no writes is told to a person, although nothing can be kept of it."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from app.db.write_health import Writes
from app.services.alerts.channels import NotifyFailed
from app.services.alerts.database_alert import DatabaseAlert
from tests.conftest import Clock


class Person:
    """Whoever is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.can_be_reached = True

    def __call__(self, text: str, event_id: str) -> None:
        if not self.can_be_reached:
            raise NotifyFailed("no answer")
        self.told.append(text.splitlines()[0].partition(" ")[0])


def test_a_minute_without_a_write_is_told_once_daily_and_when_it_is_over(
    person: Person, state: Writes, clock: Clock, ticks: list[float]
) -> None:
    alert = DatabaseAlert(state, [person], clock)
    state.succeeded()
    _pass(alert, clock, ticks, 50)
    assert person.told == []

    state.failed("the database cannot be written: it is read-only")
    _pass(alert, clock, ticks, 600)
    assert person.told == ["ALERT"]
    _pass(alert, clock, ticks, 86_400, step=600)
    assert person.told == ["ALERT", "STILL"]

    state.succeeded()
    _pass(alert, clock, ticks, 10)
    assert person.told == ["ALERT", "STILL", "OVER"]


def test_it_is_told_although_no_write_even_failed(
    person: Person, state: Writes, clock: Clock, ticks: list[float]
) -> None:
    alert = DatabaseAlert(state, [person], clock)

    _pass(alert, clock, ticks, 70)

    assert person.told == ["ALERT"]


def test_who_could_not_be_reached_is_told_a_minute_later(
    person: Person, state: Writes, clock: Clock, ticks: list[float]
) -> None:
    alert = DatabaseAlert(state, [person], clock)
    person.can_be_reached = False
    _pass(alert, clock, ticks, 100)
    person.can_be_reached = True

    _pass(alert, clock, ticks, 70)

    assert person.told == ["ALERT"]


def _pass(alert: DatabaseAlert, clock: Clock, ticks: list[float], seconds: float, step: float = 5) -> None:
    for _ in range(int(seconds / step)):
        clock.pass_by(seconds=step)
        ticks[0] += step
        alert()


@pytest.fixture
def person() -> Person:
    return Person()


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [1_000.0]
    monkeypatch.setattr("app.db.write_health.time", SimpleNamespace(monotonic=lambda: now[0]))
    yield now


@pytest.fixture
def state(ticks: list[float]) -> Writes:
    return Writes(None)

"""Work of a worker that fails at every try: an alert says so, until it succeeds again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.clock import iso_utc, utc_now
from app.container import Gateway
from app.db.failures import Trouble
from app.errors import Unavailable
from app.jobs.crew import Crew
from app.jobs.lane_work import Bench
from app.jobs.lanes import Queue
from app.models import Alert
from app.services.alerts import Alerts
from app.services.health_checks.catalogue import CHECKS
from app.services.health_checks.run import RunHealthChecks
from app.services.operations import FailingWork, SharedSettings
from tests.conftest import Clock, on_sqlite


class Machine:
    """A worker with its heartbeat, and a piece of work that fails with `error`, if that is set."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        clock.now = utc_now()
        self.clock, self._database = clock, gateway.database
        alerts, failing = Alerts(gateway.database, (), clock), FailingWork(clock)
        self.settings = SharedSettings(gateway.config, gateway.database, gateway.endpoints, alerts, clock, failing)
        self._step = failing.watched("words", self._work)
        checks = [check for check in CHECKS if check.kind == "work_failing"]
        self._watch = RunHealthChecks(
            gateway.config, gateway.database, gateway.directory, gateway.graph, alerts, clock, checks
        )
        self.error: Exception | None = None

    def _work(self) -> bool:
        if self.error is not None:
            raise self.error
        return True

    def goes_on(self, seconds: float) -> list[tuple[str, dict[str, str]]]:
        """Let time go by, working and beating every five seconds; return the open alerts: subject and details."""
        for _ in range(int(seconds / 5)):
            self.clock.pass_by(seconds=5)
            try:
                self._step()
            except Exception as error:
                assert error is self.error
            self.settings.beat("a-host")
            self._watch()
        with self._database.read() as session:
            rows = session.scalars(select(Alert).where(Alert.closed_at.is_(None))).all()
        return [(row.subject, row.details) for row in rows]


@pytest.fixture
def machine(gateway: Gateway, clock: Clock) -> Machine:
    """A worker of the gateway."""
    return Machine(gateway, clock)


def test_what_fails_for_two_minutes_is_told_and_then_that_it_is_over(machine: Machine) -> None:
    assert machine.goes_on(150) == []
    machine.error = ValueError("+34 600 000 000 is in here")
    since = machine.clock.now + timedelta(seconds=5)
    assert machine.goes_on(110) == []

    ((subject, details),) = machine.goes_on(60)
    assert subject == "words"
    assert details == {"since": iso_utc(since), "error": "ValueError", "host": "a-host"}

    machine.error = None
    assert machine.goes_on(120) == []


@on_sqlite
def test_what_fails_now_and_then_is_no_alert(machine: Machine) -> None:
    for _ in range(10):
        machine.error = Unavailable(reason=Trouble.SLOW)
        assert machine.goes_on(60) == []
        machine.error = None
        assert machine.goes_on(5) == []


@on_sqlite
def test_a_database_that_is_away_makes_no_work_fail(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.error = Unavailable(reason=Trouble.AWAY)
    assert machine.goes_on(100) == []
    with monkeypatch.context() as patched:
        patched.setattr(SharedSettings, "_say_alive", _raise(machine.error))
        with pytest.raises(Unavailable):
            machine.settings.beat("a-host")
    assert machine.goes_on(100) == []

    ((_, details),) = machine.goes_on(60)
    assert details["error"] == f"Unavailable: {Trouble.AWAY}"


def _raise(error: Exception) -> Callable[..., None]:
    def raise_(*_: object) -> None:
        raise error

    return raise_


@on_sqlite
def test_every_lane_is_watched(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    crew = Crew(Bench(gateway, refuse=lambda error: None), [Queue.KEEP])
    monkeypatch.setattr("app.db.database.Database.read", _raise(ValueError()))
    monkeypatch.setattr("app.db.database.Database.look", _raise(ValueError()))
    monkeypatch.setattr("app.db.database.Database.write", _raise(ValueError()))
    failed = set()
    for lane, work in crew.works:
        try:
            work.do()
        except ValueError:
            failed.add(lane.name)
    assert len(failed) > 5 and gateway.failing_work.told().keys() == failed

"""The relay: who nudges, what it nudges, and what all see of a broker that is away."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime

import pytest

from app.container import Gateway
from app.jobs import lease as leases
from app.jobs import relay as relays
from app.jobs.lanes import Lane
from app.jobs.lease import Lease, is_alive
from app.jobs.nudges import BrokerAway
from app.jobs.relay import Relay
from app.store import jobs, upkeep
from app.store.notifications import PROCESS
from tests.conftest import on_postgresql

pytestmark = on_postgresql


class Broker:
    """What stands for Nudges: counts what it was given, and may be away."""

    def __init__(self) -> None:
        self.nudges: Counter[str] = Counter()
        self.is_away = False

    def check(self) -> None:
        if self.is_away:
            raise BrokerAway("refused")

    def offer(self, lane: Lane) -> bool:
        self.check()
        self.nudges[lane.name] += 1
        return True


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.0)


def relay_of(gateway: Gateway, broker: Broker) -> Relay:
    lease = Lease(gateway.database, upkeep.RELAY, gateway.now)
    return Relay(gateway, broker, lease, wait=lambda seconds: None)  # type: ignore[arg-type]


def add_work(gateway: Gateway, at: datetime) -> None:
    with gateway.database.write() as session:
        jobs.add(session, PROCESS, "01a22bcb-8176-770c-8bb0-320ec2e5e193", at)


def rounds(relay: Relay, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        relay()
        time.sleep(0.01)


def test_a_lane_with_work_is_nudged_at_once_and_then_less_often(gateway: Gateway) -> None:
    broker = Broker()
    relay = relay_of(gateway, broker)

    relay()
    assert not broker.nudges[PROCESS]
    add_work(gateway, gateway.now())
    rounds(relay, 0.6)

    assert 2 <= broker.nudges[PROCESS] <= 6


def test_of_several_processes_one_is_the_relay_until_it_is_gone(gateway: Gateway) -> None:
    brokers = Broker(), Broker()
    first, second = (relay_of(gateway, broker) for broker in brokers)
    add_work(gateway, gateway.now())

    first()
    second()
    assert [broker.nudges[PROCESS] for broker in brokers] == [1, 0]
    first.close()
    second()
    assert [broker.nudges[PROCESS] for broker in brokers] == [1, 1]


def test_a_relay_that_was_killed_is_followed_by_another(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "SECONDS", 0.05)
    first, second = Broker(), Broker()
    relay_of(gateway, first)()
    time.sleep(0.06)
    add_work(gateway, gateway.now())

    relay_of(gateway, second)()

    assert second.nudges[PROCESS] == 1


def test_everybody_sees_that_the_broker_is_away_and_that_it_is_back(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "AWAY_SECONDS", 0.0)
    broker = Broker()
    relay = relay_of(gateway, broker)

    def is_carried() -> bool:
        return is_alive(gateway.database, upkeep.RELAY, gateway.now())

    relay()
    assert is_carried()
    broker.is_away = True
    relay()
    assert not is_carried()
    relay()
    broker.is_away = False
    relay()
    assert is_carried()

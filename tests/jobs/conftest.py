"""Delivering by hand, with a clock that moves when told to."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.clock import utc_now
from app.container import Gateway
from app.jobs.deliver import DeliverDue
from app.models import Delivery, DeliveryAttempt, Endpoint
from app.security.standard_webhooks import new_secret
from app.services.delivering.http_delivery import HttpDelivery
from app.services.registries.endpoints import EndpointDirectory, new_row
from app.services.registries.versions import Registry
from app.store import endpoints
from app.subscribers.client import SubscriberClient
from app.subscribers.poster import Poster
from tests.bots import Bots
from tests.conftest import Clock
from tests.subscriber import ALLOWED

SECRET = new_secret()


class Harness:
    """A worker's delivery loop that the test runs round by round, with endpoints and a clock of its own."""

    def __init__(self, gateway: Gateway, clock: Clock, threads: int) -> None:
        self.gateway = gateway
        self.clock = clock
        self.clock.now = utc_now()
        self.directory = EndpointDirectory(
            gateway.config, gateway.database, gateway.encryptor, Registry(gateway.database), clock
        )
        self._workers: list[DeliverDue] = []
        self._clients: list[HttpDelivery] = []
        self.post = self.new_client(pool_size=threads)
        self.deliver = self.new_worker(threads)

    def new_client(self, **options: Any) -> HttpDelivery:
        """Posts to apps with a client of its own, made with these options."""
        given: dict[str, Any] = {
            "user_agent": "tests", "allowed": (ipaddress.ip_network(ALLOWED),), "pool_size": 8
        } | options  # fmt: skip
        self._clients.append(HttpDelivery(SubscriberClient(**given), self.clock, poster=Poster(**given)))
        return self._clients[-1]

    def new_worker(self, threads: int) -> DeliverDue:
        """Another worker's delivery loop, or that of the same worker after a restart."""
        worker = DeliverDue(self.gateway.database, self.directory, self.post, self.clock, threads=threads)
        self._workers.append(worker)
        return worker

    def close(self) -> None:
        """End every delivery loop, and close the connections to apps."""
        for worker in (*self._workers, self.deliver):
            worker.close()
        for client in self._clients:
            client.close()

    def endpoint(self, url: str, id: str = "app", **values: Any) -> str:
        """Add an endpoint."""
        row = new_row(id, self.clock(), secret=self.gateway.encryptor.encrypt(SECRET))
        row.url, row.format = url, "event"
        for name, value in values.items():
            setattr(row, name, value)
        with self.gateway.database.write() as session:
            endpoints.add(session, row)
        self.directory.forget()
        self.gateway.endpoints.forget()
        return id

    def rounds(self, condition: Callable[[], bool] | None = None, seconds: float = 60.0) -> None:
        """Run rounds until nothing is due or in flight, or until `condition` holds; fail after `seconds`."""
        self._catch_up()
        until = time.monotonic() + seconds
        while not (condition or self.is_idle)():
            assert time.monotonic() < until, "it did not come true in time"
            self.deliver()

    def is_idle(self) -> bool:
        """Whether nothing could be delivered now."""
        if not self.deliver.in_flight.is_empty:
            return False
        served = {endpoint.id for endpoint in self.directory.read() if self._is_served(endpoint)}
        return not any(
            row.due_at <= self.clock() and row.endpoint_id in served
            for row in self.deliveries() if row.due_at is not None
        )  # fmt: skip

    def _is_served(self, endpoint: Any) -> bool:
        health = endpoint.health
        return endpoint.is_open and (health.open_until is None or health.open_until <= self.clock())

    def deliveries(self) -> list[Delivery]:
        """Everything that is or was owed."""
        with self.gateway.database.read() as session:
            return list(session.scalars(select(Delivery).order_by(Delivery.id)))

    def states(self) -> list[str]:
        """The states of all deliveries."""
        return [row.state for row in self.deliveries()]

    def attempts(self) -> list[DeliveryAttempt]:
        """All tries."""
        with self.gateway.database.read() as session:
            return list(session.scalars(select(DeliveryAttempt).order_by(DeliveryAttempt.id)))

    def row(self, id: str = "app") -> Endpoint:
        """An endpoint as it is kept."""
        with self.gateway.database.read() as session:
            found = endpoints.find_any(session, id)
        assert found is not None
        return found

    def pass_by(self, **time: float) -> None:
        """Let some time go by, by the clock alone."""
        self._catch_up()
        self.clock.pass_by(**time)
        self.directory.forget()

    def _catch_up(self) -> None:
        self.clock.now = max(self.clock.now, utc_now())  # webhooks come by the real one


@pytest.fixture
def harness(gateway: Gateway, clock: Clock) -> Iterator[Harness]:
    """A delivery loop with eight threads."""
    harness = Harness(gateway, clock, 8)
    yield harness
    harness.close()


@pytest.fixture
def bots(harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bots]:
    """Workers whose handlers a test writes, in a directory of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("app.handlers.pool.LAST_CALLS_SECONDS", 0.2)
    found = Bots(harness, tmp_path)
    yield found
    for pool in found.pools:
        pool.begin_stop()
    harness.deliver.close()
    for pool in found.pools:
        pool.close()

"""A worker that ends by itself, for cron: when nothing is left to do, or when its time is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from app.clock import utc_now
from app.container import Gateway
from app.ids import new_id
from app.jobs.limited import Limit
from app.models import Job
from tests.conftest import on_sqlite

pytestmark = on_sqlite


def add_job(gateway: Gateway, due_in: float, claim: str | None = None) -> None:
    now = utc_now()
    with gateway.database.write() as session:
        due_at = now + timedelta(seconds=due_in)
        session.add(Job(kind="process", subject_id=new_id(), due_at=due_at, claim_id=claim, attempts=0, created_at=now))


def ends_after(gateway: Gateway, limit: Limit, act: Callable[[], None] = lambda: None) -> float:
    stop, started = threading.Event(), time.monotonic()
    limit.watch(gateway, stop)
    act()
    assert stop.wait(20)
    return time.monotonic() - started


def test_it_ends_when_nothing_is_left_to_do(gateway: Gateway) -> None:
    add_job(gateway, due_in=60)  # not due: the next one does it

    assert ends_after(gateway, Limit(15, once=True)) < 10


@pytest.mark.parametrize(("due_in", "claim"), [(-1.0, None), (60.0, "0" * 32)], ids=["due", "claimed"])
def test_it_does_not_end_while_there_is_work(gateway: Gateway, due_in: float, claim: str | None) -> None:
    add_job(gateway, due_in, claim)

    assert ends_after(gateway, Limit(1.5, once=True)) >= 1.5


def test_without_once_it_works_for_all_of_its_time(gateway: Gateway) -> None:
    assert ends_after(gateway, Limit(1.5)) >= 1.5

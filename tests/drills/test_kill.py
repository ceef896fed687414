"""Kill anything at any time: nothing acknowledged is lost, nothing is doubled, and work goes on by itself.

Long form, 24 kills and 12,000 webhooks on each database: `DRILL=long .venv/bin/pytest tests/drills/test_kill.py`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from tests.drills.conftest import database_of, kinds, sized
from tests.load.bodies import Maker
from tests.load.books import Books
from tests.load.checks import assert_exactly_once
from tests.load.gateway import APP_SECRET, ONE_WEB, Gateway, end_now, running
from tests.load.senders import Senders
from tests.load.together import together

SEED = 4711
ORPHAN_SECONDS = 45.0
"""How long processes whose master was killed may take to go by themselves: they finish what they have begun."""

DRILL_SECONDS = 1_200.0
T = TypeVar("T")
DATABASES = kinds("sqlite")


@pytest.fixture(scope="module")
def drills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[None]]]:
    """All of them, side by side: most of the time is spent waiting for a dead worker's lease to end."""
    named = {f"{name} {kind}": partial(drill, kind) for name, drill in DRILLS.items() for kind in DATABASES}
    with together(named, tmp_path_factory.mktemp("kills")) as running_drills:
        yield running_drills


@pytest.mark.parametrize("kind", DATABASES)
def test_it_keeps_what_it_acknowledged_whoever_is_killed(drills: dict[str, Future[None]], kind: str) -> None:
    drills[f"anybody {kind}"].result(DRILL_SECONDS)


@pytest.mark.parametrize("kind", DATABASES)
def test_what_a_killed_worker_had_begun_is_done_by_the_next(drills: dict[str, Future[None]], kind: str) -> None:
    drills[f"workers {kind}"].result(DRILL_SECONDS)


def _kill_anybody(kind: str, directory: Path) -> None:
    kills, webhooks = sized(3, 24), sized(300, 12_000)
    posted = list(Maker(APP_SECRET, SEED).mixed(webhooks))
    chance = random.Random(SEED)
    most = sized(SHORT_KINDS, len(VICTIMS))
    victims = [list(VICTIMS)[number % most] for number in range(kills)]
    chance.shuffle(victims)

    with database_of(kind) as url, running(Gateway(directory, database_url=url)) as gateway:
        senders = Senders(gateway, posted)
        senders.start()
        for number, victim in enumerate(victims, 1):
            senders.wait_for(webhooks * number // (kills + 1) + chance.randrange(50))
            VICTIMS[victim](gateway, chance)
        acks = senders.wait(240)

        assert len(acks.acknowledged) == webhooks
        assert_exactly_once(gateway, acks, posted)


def _kill_workers(kind: str, directory: Path) -> None:
    posted = list(Maker(APP_SECRET, SEED + 1).mixed(sized(500, 20_000)))

    external = {"WORKER": "external"} | ONE_WEB

    with database_of(kind) as url, running(Gateway(directory, external, database_url=url)) as gateway:
        senders = Senders(gateway, posted)
        senders.start()
        acks = senders.wait(240)
        assert len(acks.acknowledged) == len(posted)
        for share in (0.2, 0.5):
            worker = gateway.start_worker()
            _wait_until(partial(_has_events, gateway, share * len(posted)), DRILL_SECONDS)
            worker.kill()
            worker.wait(5)
        gateway.start_worker()

        assert_exactly_once(gateway, acks, posted)


def _has_events(gateway: Gateway, enough: float) -> bool:
    return Books(gateway).count("events") > enough


def _kill_web_worker(gateway: Gateway, chance: random.Random) -> None:
    _kill_one(gateway.web_workers, chance)


def _kill_job_worker(gateway: Gateway, chance: random.Random) -> None:
    _kill_one(gateway.job_workers, chance)


def _kill_one(processes: Callable[[], list[psutil.Process]], chance: random.Random) -> None:
    alive = _wait_until(processes, ORPHAN_SECONDS)
    end_now(chance.choice(sorted(alive, key=lambda process: process.pid)))


def _kill_tree(gateway: Gateway, _: random.Random) -> None:
    gateway.kill()
    gateway.start()


def _kill_master(gateway: Gateway, _: random.Random) -> None:
    """The master alone: its children must notice and go by themselves, or the next one cannot listen."""
    assert gateway.process is not None
    gateway.process.kill()
    gateway.process.wait(5)
    _wait_until(lambda: not gateway.processes(), ORPHAN_SECONDS)
    gateway.start()


def _wait_until(condition: Callable[[], T], seconds: float) -> T:
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.1)
    return value


DRILLS: dict[str, Callable[[str, Path], None]] = {"anybody": _kill_anybody, "workers": _kill_workers}
VICTIMS = {"web": _kill_web_worker, "job": _kill_job_worker, "tree": _kill_tree, "master": _kill_master}
SHORT_KINDS = 3
"""The master alone is left to the long form: its children may take half a minute to go."""

"""Four web processes meet an empty database for the first time, and all of them come up.

Long form, 50 boots on each database: `DRILL=long .venv/bin/pytest tests/drills/test_first_boot.py`.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.drills.conftest import database_of, kinds, sized
from tests.load.bodies import Maker
from tests.load.checks import assert_kept_once
from tests.load.gateway import APP_SECRET, START_SECONDS, Gateway, running
from tests.load.senders import post_all

WORKERS = 4
DATABASES = kinds("sqlite")


@pytest.mark.parametrize("kind", DATABASES)
def test_every_first_boot_on_an_empty_database_comes_up(tmp_path: Path, kind: str) -> None:
    for number in range(sized(1, 50)):
        with database_of(kind, is_new=True) as url:
            settings = {"WEB_CONCURRENCY": str(WORKERS)}
            gateway = Gateway(tmp_path / str(number), settings, database_url=url, is_new=True)
            with running(gateway):
                first = _all_workers(gateway)
                posted = list(Maker(APP_SECRET, number).mixed(16))
                acks = post_all(gateway, posted)

                assert {process.pid for process in gateway.web_workers()} == first, "a worker had to be replaced"
                assert acks.refused == {}
                assert_kept_once(gateway, acks, posted)


def _all_workers(gateway: Gateway) -> set[int]:
    """The ids of the web processes, once they are all there: it is ready as soon as the first of them answers."""
    until = time.monotonic() + START_SECONDS
    while len(pids := {process.pid for process in gateway.web_workers()}) < WORKERS:
        assert time.monotonic() < until, gateway.tail()
        time.sleep(0.05)
    return pids

"""In which order files of tests run where several processes share them, and which of them one process runs together."""

from __future__ import annotations

import os
from itertools import groupby
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

WAITING = ("tests/deploy/", "tests/drills/", "tests/monitoring/", "tests/simulator/")
"""Their tests mostly wait: for whole gateways to start, for leases to end, for browsers."""

ON_ONE_GATEWAY = {
    f"tests/drills/test_{name}.py" for name in ("batches", "duplicates", "fuzz", "slow_clients", "smuggling")
}
"""They use the gateway of `tests/drills/conftest.py`, which each process that runs one of them starts."""


class Scheduling(LoadFileScheduling):
    """As `--dist loadfile`: a process runs whole files. Those on one gateway are like one file."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "the gateway of the drills" if file in ON_ONE_GATEWAY else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    """Take the place of `loadfile` alone."""
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


def mixed(items: list[pytest.Item]) -> list[pytest.Item]:
    """The same tests, those files of them that wait strewn evenly over the first two thirds of the others.

    So there is always work to do. Where one process runs all tests, their order is that of the folders.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return items
    files = [list(group) for _, group in groupby(items, key=_file)]
    waiting = [file for file in files if _file(file[0]).startswith(WAITING)]
    others = [file for file in files if not _file(file[0]).startswith(WAITING)]
    every = max(1, len(others) * 2 // 3 // max(1, len(waiting)))
    order: list[list[pytest.Item]] = []
    for number, file in enumerate(others):
        if number % every == 0 and waiting:
            order.append(waiting.pop(0))
        order.append(file)
    return [item for file in order + waiting for item in file]


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]

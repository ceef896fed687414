"""What drills share: how long they are, where their databases are, and one gateway for those that break nothing.

The short forms run with every test run. The long ones: `DRILL=long .venv/bin/pytest tests/drills`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import pytest

from tests.load.books import Books
from tests.load.gateway import Gateway, running
from tests.load.migrated import migrated_postgres
from tests.load.postgres import NoPostgres, counting_connections, own_database

IS_LONG = os.environ.get("DRILL") == "long"
KINDS = ("sqlite", "postgresql")
Case = TypeVar("Case")
MOST_CONNECTIONS = 18
"""Of two web processes, a worker and a command, at any moment of all drills: the smallest plans of hosts allow 20."""


def kinds(short: str) -> tuple[str, ...]:
    """The databases of a drill that takes long: both when asked for, else `short`."""
    return KINDS if IS_LONG else (short,)


def some_of(cases: Mapping[str, Case], *short: str) -> dict[str, Case]:
    """The cases of a drill that takes long: all when asked for, else those of these names."""
    return {name: case for name, case in cases.items() if IS_LONG or name in short}


def sized(short: int, long: int) -> int:
    """How big a drill is: `long` only when asked for."""
    return long if IS_LONG else short


@pytest.fixture(scope="package", params=kinds("sqlite"))
def gateway(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One running gateway on each kind of database, for all drills that break nothing. Its books balance at the end."""
    with database_of(request.param) as url, counting_connections(url) as most:
        with running(Gateway(tmp_path_factory.mktemp("gateway"), database_url=url)) as started:
            yield started
            Books(started).wait_settled()
            Books(started).assert_balanced()
        assert most() <= MOST_CONNECTIONS


@contextmanager
def database_of(kind: str, *, is_new: bool = False) -> Iterator[str]:
    """A migrated database, one without tables if it `is_new`; "" for SQLite's own file.

    Without a PostgreSQL server the drill is skipped, or fails in CI.
    """
    if kind == "sqlite":
        yield ""
        return
    try:
        with own_database() if is_new else migrated_postgres() as url:
            yield url
    except NoPostgres as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))

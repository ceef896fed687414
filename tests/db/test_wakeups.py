"""Idle workers ask rarely, and whoever writes work wakes them; where nobody can listen, they ask often."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import exists, select, text

from app.db import wakeups
from app.db.database import HAS_WORK, Database
from app.models import ApiKey
from tests.conftest import on_postgresql, on_sqlite
from tests.load.pgbouncer import NoPgBouncer, pgbouncer

ANY = select(exists().where(ApiKey.name == "a"))
DEADLINE_SECONDS = 30.0


@pytest.fixture(autouse=True)
def long_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nothing but a wake-up ends a rest."""
    monkeypatch.setattr(wakeups, "AWAKE_SECONDS", 0.2)
    monkeypatch.setattr(wakeups, "IDLE_SECONDS", 600.0)
    monkeypatch.setattr(wakeups, "RETRY_SECONDS", 0.05)


def wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.01)


@contextmanager
def listening(url: str) -> Iterator[Database]:
    database = Database(url)
    database.wakeups.listen()
    try:
        yield database
    finally:
        database.wakeups.stop()
        database.dispose()


def rests(database: Database) -> bool:
    return database.wakeups.may_rest((1, ""))


@on_postgresql
@pytest.mark.parametrize("by", ["a job", "webhooks"])
def test_who_writes_work_wakes_an_idle_worker(database_url: str, by: str) -> None:
    other = Database(database_url)
    with listening(database_url) as worker:
        wait(lambda: rests(worker))
        assert not worker.is_any(ANY, {}) and not worker.is_any(ANY, {})  # the second did not ask
        with other.write() as session:
            session.execute(text("SELECT 1"))  # no work: nobody is woken
        time.sleep(0.3)
        assert rests(worker)

        if by == "a job":
            with other.write() as session:
                session.info[HAS_WORK] = True
        else:
            with other.write_rows() as connection:
                connection.exec_driver_sql("SELECT 1")

        wait(lambda: not rests(worker))
    other.dispose()


@on_postgresql
def test_a_cut_connection_is_made_again_and_work_is_asked_for_meanwhile(database_url: str) -> None:
    with listening(database_url) as worker:
        wait(lambda: rests(worker))
        with psycopg.connect(database_url, autocommit=True) as connection:
            for _ in range(2):
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
                    " AND datname = current_database() AND pid <> pg_backend_pid()"
                )
        wait(lambda: not rests(worker))
        wait(lambda: rests(worker))


@on_sqlite
def test_on_sqlite_nobody_rests(database_url: str) -> None:
    with listening(database_url) as worker:
        assert not any(rests(worker) for _ in range(3))


@on_postgresql
def test_behind_a_pooler_nobody_rests(database_url: str) -> None:
    try:
        with pgbouncer(database_url) as through, listening(through) as worker:
            thread = worker.wakeups._thread
            assert thread is not None
            thread.join(DEADLINE_SECONDS)
            assert not thread.is_alive() and not any(rests(worker) for _ in range(3))
    except NoPgBouncer as error:
        pytest.skip(str(error))

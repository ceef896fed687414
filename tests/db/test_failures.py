"""A database that cannot be used now is `Unavailable`, with its reason, and holds nobody for long."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from app.config.parsers import ROOT
from app.db import statement_timeout
from app.db.database import Database
from app.db.failures import Trouble
from app.errors import Unavailable
from tests.conftest import on_postgresql, on_sqlite
from tests.load.postgres import NoPostgres, OwnServer, own_server
from tests.load.silence import silent_proxy

AT_MOST_SECONDS = 12.0
"""Nine by our bounds (a ping of two, a connection of three, and what a loaded machine adds); without them, for ever."""

STATES = {
    "25006": Trouble.READ_ONLY,
    "53000": Trouble.AWAY,
    "53100": Trouble.FULL,
    "53200": Trouble.AWAY,
    "53300": Trouble.AWAY,
    "53400": Trouble.AWAY,
    "57014": Trouble.SLOW,
    "57P01": Trouble.AWAY,
    "57P02": Trouble.AWAY,
    "57P03": Trouble.AWAY,
    "57P04": Trouble.AWAY,
    "57P05": Trouble.AWAY,
    "08000": Trouble.AWAY,
    "08001": Trouble.AWAY,
    "08003": Trouble.AWAY,
    "08004": Trouble.AWAY,
    "08006": Trouble.AWAY,
    "58030": Trouble.DAMAGED,
    "55P03": Trouble.LOCKED,
    "40001": Trouble.LOCKED,
    "40P01": Trouble.LOCKED,
}
FROZEN_UNDER_GEVENT = """
from gevent import monkey; monkey.patch_all()
import sys, threading, time
from sqlalchemy import text
from app.db import bounded_connection, statement_timeout
from app.db.database import Database
from app.errors import Unavailable
bounded_connection.FRESH_SECONDS = 0  # as after a pause
database = Database(sys.argv[1])
beats = []
def beat():
    while True:
        beats.append(time.monotonic())
        time.sleep(0.05)
threading.Thread(target=beat, daemon=True).start()
def ask():
    with database.read() as session:
        session.scalar(text("SELECT 1"))
ask()
print("ready", flush=True)
sys.stdin.readline()
del beats[:]
with statement_timeout.of(1.0):
    try:
        ask()
    except Unavailable as error:
        print(error.reason, flush=True)
print("widest gap under a second:", max(b - a for a, b in zip(beats, beats[1:])) < 1.0)
"""


@on_postgresql
@pytest.mark.parametrize("state", STATES)
def test_a_server_that_cannot_do_it_now_is_a_database_that_is_away(opened: Database, state: str) -> None:
    with pytest.raises(Unavailable) as raised, opened.write() as session:
        session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"))

    assert raised.value.reason == STATES[state]


@on_postgresql
def test_a_server_that_became_read_only(opened: Database) -> None:
    with pytest.raises(Unavailable) as raised, opened.write() as session:
        session.execute(text("SET TRANSACTION READ ONLY"))
        session.execute(text("DELETE FROM api_keys"))

    assert raised.value.reason == Trouble.READ_ONLY


@on_sqlite
def test_a_file_that_became_read_only(opened: Database) -> None:
    with pytest.raises(Unavailable) as raised, opened.write() as session:
        session.execute(text("PRAGMA query_only=ON"))
        session.execute(text("DELETE FROM api_keys"))

    assert raised.value.reason == Trouble.READ_ONLY


@on_sqlite
def test_a_file_that_is_full(opened: Database) -> None:
    with pytest.raises(Unavailable) as raised, opened.write() as session:
        session.execute(text("PRAGMA max_page_count=1"))
        session.execute(text("CREATE TABLE more AS SELECT hex(zeroblob(1000000)) AS x"))

    assert raised.value.reason == Trouble.FULL


@on_sqlite
def test_a_file_whose_lock_somebody_else_holds(opened: Database) -> None:
    other = sqlite3.connect(str(opened.url.database), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    with pytest.raises(Unavailable) as raised, opened.write():
        pass

    assert raised.value.reason == Trouble.LOCKED
    other.close()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"no database" * 1000)
    database = Database(f"sqlite:///{tmp_path}/broken.db")

    with pytest.raises(Unavailable) as raised, database.read() as session:
        session.execute(text("SELECT 1 FROM api_keys"))

    assert raised.value.reason == Trouble.DAMAGED
    database.dispose()


def test_a_table_that_is_not_there_yet(opened: Database) -> None:
    with pytest.raises(Unavailable) as raised, opened.read() as session:
        session.execute(text("SELECT 1 FROM not_migrated_yet"))

    assert raised.value.reason == Trouble.NO_TABLES


@on_postgresql
def test_a_statement_has_an_end_of_its_own_and_its_connection_is_thrown_away(opened: Database) -> None:
    with opened.read() as session:
        first = session.scalar(text("SELECT pg_backend_pid()"))

    with statement_timeout.of(0.3), pytest.raises(Unavailable) as raised, opened.read() as session:
        session.execute(text("SELECT pg_sleep(30)"))

    assert raised.value.reason == Trouble.SLOW
    with opened.read() as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) != first


@on_postgresql
def test_an_operators_statement_may_take_any_time(opened: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_timeout, "STATEMENT_SECONDS", 0.1)
    with statement_timeout.of(None), opened.read() as session:
        session.execute(text("SELECT pg_sleep(0.3)"))


def test_a_frozen_server_holds_threads_for_a_few_seconds_at_most(server: OwnServer) -> None:
    database = Database(server.url)
    _ask(database)
    with server.frozen(), ThreadPoolExecutor(12) as pool:
        began = time.monotonic()
        for each in [pool.submit(_ask, database) for _ in range(12)]:  # more than the pool has connections
            with pytest.raises(Unavailable):
                each.result(60)
        assert time.monotonic() - began < AT_MOST_SECONDS

    _ask(database)
    database.dispose()


def test_a_request_waits_five_seconds_for_a_frozen_server_whatever_it_asks(server: OwnServer) -> None:
    database = Database(server.url)
    _ask(database)
    database.look(text("SELECT 1"), {})  # type: ignore[arg-type]
    with server.frozen(), statement_timeout.budget(statement_timeout.REQUEST_SECONDS):
        began = time.monotonic()
        with pytest.raises(Unavailable):
            database.look(text("SELECT 1"), {})  # type: ignore[arg-type]
        for _ in range(3):
            with pytest.raises(Unavailable):
                _ask(database)
            with pytest.raises(Unavailable), database.write_rows() as connection:
                connection.exec_driver_sql("SELECT 1")
        assert time.monotonic() - began < 5

    with statement_timeout.budget(statement_timeout.REQUEST_SECONDS):
        _ask(database)
    database.dispose()


@on_postgresql
def test_what_is_answered_late_costs_a_request_nothing(opened: Database) -> None:
    _ask(opened)
    with statement_timeout.budget(1.0):
        with opened.read() as session:
            for _ in range(3):
                session.execute(text("SELECT pg_sleep(0.4)"))
            assert statement_timeout.time_left() == 1.0
        with pytest.raises(Unavailable), opened.read() as session:
            session.execute(text("SELECT pg_sleep(2)"))
        assert statement_timeout.time_left() == 0.0


def test_a_frozen_server_holds_greenlets_no_longer_and_never_their_hub(server: OwnServer) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FROZEN_UNDER_GEVENT, server.url], cwd=ROOT, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        with server.frozen():
            output, _ = process.communicate("go\n", timeout=60)

    assert output.splitlines() == [Trouble.AWAY, "widest gap under a second: True"]  # no answer, no new connection


def test_a_connection_that_acknowledges_and_is_silent_is_given_up(postgres_url: str) -> None:
    url = make_url(postgres_url)
    with silent_proxy(url.host or "127.0.0.1", url.port or 5432) as proxy:
        through = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        database = Database(through)
        _ask(database)

        proxy.is_silent = True
        began = time.monotonic()
        with pytest.raises(Unavailable):
            _ask(database)
        with pytest.raises(Unavailable):
            database.look(text("SELECT 1"), {})  # type: ignore[arg-type]
        assert time.monotonic() - began < 2 * AT_MOST_SECONDS

        proxy.is_silent = False
        _ask(database)
        database.dispose()


def _ask(database: Database) -> None:
    with database.read() as session:
        assert session.scalar(text("SELECT 1")) == 1


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    try:
        with own_server() as started:
            yield started
    except NoPostgres as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture
def opened(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()

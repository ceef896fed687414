"""Migrations beside dumps, long transactions, and everybody else."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from app import migrations
from app.db.database import Database
from app.errors import Unavailable
from app.migrations import alone
from app.migrations.indexes import create_index, drop_index

on_postgresql = pytest.mark.parametrize("empty", ["postgresql"], indirect=True)
DEADLINE_SECONDS = 60


@on_postgresql
def test_writes_go_on_while_a_long_read_is_in_the_way(empty: Database) -> None:
    """Without short waits a write waits behind the migration, which waits behind the dump, and gives up after 2 s."""
    migrations.upgrade(empty)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(url_of(empty)) as dump:
        dump.execute("SELECT count(*) FROM events")

        going = pool.submit(migrations.go_to, empty, "0018")

        tries, end = 0, time.monotonic() + DEADLINE_SECONDS
        while tries < 2 and time.monotonic() < end:
            tries += wait_for_lock(empty)
            assert not going.done()
            with empty.write() as session:  # raises `Unavailable` when it waits for 2 s
                session.execute(text("DELETE FROM events WHERE id = 'none'"))
        dump.rollback()
        going.result(DEADLINE_SECONDS)

    assert tries == 2
    with empty.engine.connect() as connection:
        assert migrations.current(connection) == "0018"


@on_postgresql
def test_a_dump_is_waited_for_and_named(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "WAIT_SECONDS", 0.0)
    with psycopg.connect(url_of(empty), autocommit=True, application_name="the nightly dump") as dump:
        dump.execute("SELECT pg_advisory_lock_shared(7264919)")
        with pytest.raises(Unavailable) as refused:
            migrations.upgrade(empty)
        assert "gave up: a dump or another migration runs (pid" in refused.value.reason
        assert "the nightly dump" in refused.value.reason

    migrations.upgrade(empty)

    with psycopg.connect(url_of(empty), autocommit=True) as dump:
        dump.execute("SELECT pg_advisory_lock_shared(7264919)")
        migrations.upgrade(empty)  # there is nothing to do, so a restart waits for no dump


def test_indexes_are_made_and_removed_beside_a_long_transaction(empty: Database) -> None:
    migrations.upgrade(empty)
    if not empty.is_sqlite:
        with empty.engine.connect() as connection:  # what a try that was cut short leaves
            connection.execute(text("CREATE INDEX ix_of_test ON events (type)"))
            connection.execute(text("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_of_test'::regclass"))
            connection.commit()

    step(empty, lambda: create_index("ix_of_test", "events", ["type"], where="type <> ''"))

    assert [index["column_names"] for index in indexes(empty)] == [["type"]]
    if not empty.is_sqlite:
        step(empty, lambda: create_index("ix_of_test", "events", ["type"]))  # done again
    step(empty, lambda: drop_index("ix_of_test", "events"))
    assert indexes(empty) == []


def step(database: Database, act: Any) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"transaction_per_migration": True})
        with context.begin_transaction(_per_migration=True), Operations.context(context):
            act()
        connection.commit()


def indexes(database: Database) -> list[Any]:
    return [each for each in inspect(database.engine).get_indexes("events") if each["name"] == "ix_of_test"]


def wait_for_lock(database: Database) -> bool:
    """Wait until the migration waits for a lock, and say whether it did."""
    end = time.monotonic() + DEADLINE_SECONDS
    statement = text(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        " AND application_name = 'whatsapp-service migrate'"
    )
    while time.monotonic() < end:
        if database.look(statement, {}):  # type: ignore[arg-type]
            return True
        time.sleep(0.02)
    return False


def url_of(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)

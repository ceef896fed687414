"""Behind PgBouncer in transaction mode there is no session: every transaction may be on another server connection."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from app import migrations
from app.db import postgresql, statement_timeout
from app.db.database import Database
from app.errors import Unavailable
from app.ids import new_id
from app.models import ApiKey, Job
from app.services.backups import snapshot_postgresql
from app.store.notifications import Kept, keep
from tests.load.pgbouncer import NoPgBouncer, pgbouncer
from tests.load.postgres import own_database

SETTINGS = [*postgresql.SESSION_SETTINGS]
ROUNDS = 12
"""psycopg prepares what is executed for the sixth time."""


@pytest.fixture(scope="module", params=[False, True], ids=["refuses options", "ignores options"])
def pooled_url(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[tuple[str, str]]:
    """An empty database: directly, and through a PgBouncer that has two server connections for everybody."""
    try:
        with own_database() as url, pgbouncer(url, pool_size=4, ignores_options=request.param) as through:
            yield url, through
    except NoPgBouncer as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture
def pooled(pooled_url: tuple[str, str]) -> Iterator[Database]:
    database = Database(pooled_url[1])
    migrations.upgrade(database)
    yield database
    database.dispose()


def in_force(database: Database) -> list[str]:
    with database.read() as session:
        return [str(session.scalar(select(func.current_setting(name)))) for name in SETTINGS]


def test_each_transaction_has_the_settings_and_leaves_none_behind(
    pooled: Database, pooled_url: tuple[str, str]
) -> None:
    direct = Database(pooled_url[0])
    with statement_timeout.of(None):
        unhurried = in_force(pooled)

    assert in_force(pooled) == in_force(direct) == ["on", "UTC", "0", "off", "2s", "5s"]
    assert unhurried == ["on", "UTC", "0", "off", "0", "0"]
    with psycopg.connect(pooled_url[1]) as other:
        assert other.execute("SHOW lock_timeout").fetchone() == ("0",)
    direct.dispose()


def test_statements_of_many_clients_do_not_meet(pooled: Database, pooled_url: tuple[str, str]) -> None:
    """Prepared ones have the same names in every client: 26000, 42P05, or another client's result."""

    def work(number: int) -> list[int]:
        database = Database(pooled_url[1])
        found = []
        for _ in range(ROUNDS):
            with database.write() as session:
                statement = text(f"SELECT CAST(:given AS integer) + {number}")
                found.append(int(session.scalar(statement, {"given": 1}) or 0))
            database.look(select(func.count()).select_from(ApiKey), {})
        database.dispose()
        return found

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(8)))

    assert results == [[1 + number] * ROUNDS for number in range(8)]


def test_webhooks_are_kept_in_a_transaction_with_the_settings_or_not_at_all(pooled: Database) -> None:
    def webhook(name: str) -> Kept:
        return Kept(name, datetime.now(UTC), b"{}", "default", "r")

    ids = [new_id() for _ in range(ROUNDS)]
    for each in ids:
        with pooled.write_rows() as connection:
            keep(connection, [webhook(each)])
            in_it = connection.exec_driver_sql("SELECT current_setting('idle_in_transaction_session_timeout')")
            assert in_it.fetchone() == ("5s",)
    with pytest.raises(IntegrityError), pooled.write_rows() as connection:
        keep(connection, [webhook("another"), webhook(ids[0])])

    with pooled.write_rows() as connection:
        keep(connection, [webhook(new_id())])
    with pooled.read() as session:
        kept = set(session.scalars(select(Job.subject_id)))
    assert kept.issuperset(ids) and "another" not in kept


def test_one_migrates_and_the_others_wait(pooled_url: tuple[str, str]) -> None:
    before = Database(pooled_url[1])
    migrations.upgrade(before)
    with before.engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
        connection.commit()
    before.dispose()

    def migrate(_: int) -> str | None:
        database = Database(pooled_url[1])
        migrations.upgrade(database)
        with database.engine.connect() as connection:
            found = migrations.current(connection)
        database.dispose()
        return found

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(migrate, range(2))) == [migrations.head()] * 2


def test_no_dump_runs_beside_a_migration(
    pooled: Database, pooled_url: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_postgresql, "LOCK_WAIT", "100ms")
    with psycopg.connect(pooled_url[1]) as guard:
        guard.execute("SELECT pg_advisory_xact_lock(7264919)")
        with pytest.raises(Unavailable):
            snapshot_postgresql.take(pooled.url, tmp_path, lambda _: None)

    revision, tables = snapshot_postgresql.take(pooled.url, tmp_path, lambda _: None)

    assert revision == migrations.head() and "messages" in tables

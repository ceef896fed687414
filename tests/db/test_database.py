from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import psycopg
import pytest
from sqlalchemy import bindparam, func, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from app.db import bounded_connection, postgresql, statement_timeout
from app.db.database import POOL_SIZE, Database
from app.db.failures import Trouble
from app.errors import Unavailable
from app.ids import new_id
from app.models import ApiKey, Message
from app.store import api_keys, events
from tests.conftest import EMPTIES, on_postgresql, on_sqlite

NOON = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)


def test_what_was_written_is_committed(opened: Database) -> None:
    with opened.write() as session:
        api_keys.add(session, key("a"))

    with opened.read() as session:
        assert [row.name for row in api_keys.all_keys(session)] == ["a"]


def test_an_error_in_the_body_undoes_everything(opened: Database) -> None:
    with pytest.raises(ZeroDivisionError), opened.write() as session:
        api_keys.add(session, key("a"))
        raise ZeroDivisionError

    with opened.read() as session:
        assert list(api_keys.all_keys(session)) == []


def test_it_can_be_written_again_after_an_error(opened: Database) -> None:
    for _ in range(20):  # more often than the pool has connections
        with pytest.raises(ZeroDivisionError), opened.write():
            raise ZeroDivisionError

    with opened.write() as session:
        api_keys.add(session, key("a"))


def test_mistakes_in_a_statement_are_not_taken_for_a_database_that_is_away(opened: Database) -> None:
    with opened.write() as session:
        api_keys.add(session, key("a"))

    with pytest.raises(IntegrityError), opened.write() as session:
        api_keys.add(session, key("a"))


def test_a_table_that_nobody_has_made_yet_is_a_database_that_is_away(opened: Database) -> None:
    with pytest.raises(Unavailable), opened.read() as session:
        session.execute(text("SELECT 1 FROM not_migrated_yet"))


def test_a_look_sees_what_is_committed_by_then_and_holds_nothing(opened: Database) -> None:
    statement = select(func.count()).select_from(ApiKey).where(ApiKey.name == bindparam("name"))
    assert opened.look(statement, {"name": "a"}) == 0

    with opened.write() as session:
        api_keys.add(session, key("a"))
        session.flush()
        assert opened.look(statement, {"name": "a"}) == 0

    with ThreadPoolExecutor(8) as pool:  # more at once than it has connections
        assert list(pool.map(lambda _: opened.look(statement, {"name": "a"}), range(40))) == [1] * 40


def test_a_look_at_a_database_that_is_away_says_so(opened: Database) -> None:
    with pytest.raises(Unavailable):
        opened.look(select(text("1 FROM not_migrated_yet")), {})

    assert opened.look(select(text("1")), {}) == 1


@on_postgresql
def test_a_look_says_once_that_its_connection_was_lost(opened: Database) -> None:
    pid = opened.look(select(func.pg_backend_pid()), {})
    with opened.write() as session:
        session.execute(select(func.pg_terminate_backend(pid)))

    with pytest.raises(Unavailable):
        for _ in range(20):  # until the server has done it
            opened.look(select(text("1")), {})
            time.sleep(0.05)

    assert opened.look(select(text("1")), {}) == 1


@on_postgresql
def test_rows_are_written_while_others_hold_all_connections(opened: Database) -> None:
    with ExitStack() as held:
        for _ in range(POOL_SIZE):
            held.enter_context(opened.read()).execute(text("SELECT 1"))
        with pytest.raises(Unavailable), opened.read() as session:
            session.execute(text("SELECT 1"))

        with opened.write_rows() as connection:
            connection.exec_driver_sql("DELETE FROM traffic")
            of_ours = (
                "SELECT count(*) FROM pg_stat_activity"
                f" WHERE datname = current_database() AND application_name <> '{EMPTIES}'"
            )
            assert connection.exec_driver_sql(of_ours).fetchone() == (POOL_SIZE + 1,)


@on_postgresql
def test_only_a_connection_that_was_idle_is_asked_whether_it_works(
    opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def ping(_dialect: object, connection: object) -> bool:
        asked.append(connection)
        return True

    monkeypatch.setattr(type(opened.engine.dialect), "do_ping", ping)
    monkeypatch.setattr(bounded_connection, "FRESH_SECONDS", 60)
    for _ in range(3):
        with opened.read() as session:
            session.execute(text("SELECT 1"))
    assert asked == []

    monkeypatch.setattr(bounded_connection, "FRESH_SECONDS", 0)
    with opened.read() as session:
        session.execute(text("SELECT 1"))

    assert len(asked) == 1


def test_a_statement_that_was_broken_off_takes_its_connection_with_it(opened: Database) -> None:
    def end(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), opened.write_rows() as connection:
        broken, connection.driver = connection.driver, SimpleNamespace(cursor=end)
        connection.exec_driver_sql("SELECT 1")

    with opened.write_rows() as connection:
        assert connection.driver is not broken
        assert connection.exec_driver_sql("SELECT 1").fetchone() == (1,)


@on_postgresql
def test_rows_are_written_again_after_their_connection_was_lost(opened: Database) -> None:
    with pytest.raises(Unavailable), opened.write_rows() as connection:
        connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    with opened.write_rows() as connection:
        assert connection.exec_driver_sql("SELECT 1").fetchone() == (1,)


@on_postgresql
def test_what_was_written_is_kept_where_the_workers_cannot_be_told(opened: Database, database_url: str) -> None:
    opened.wakeups._told_at = float("-inf")
    with opened.write_rows() as connection:
        connection.exec_driver_sql("DELETE FROM traffic")
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.driver.info.backend_pid])

    with opened.write_rows() as connection:
        assert connection.exec_driver_sql("SELECT 1").fetchone() == (1,)


@on_postgresql
def test_a_snapshot_does_not_see_what_is_committed_meanwhile(opened: Database) -> None:
    count = text("SELECT count(*) FROM api_keys")
    with opened.snapshot() as one, opened.read() as other:
        before = one.scalar(count), other.scalar(count)
        with opened.write() as session:
            api_keys.add(session, key("k"))
        after = one.scalar(count), other.scalar(count)
    with opened.read() as session:
        assert session.connection().get_isolation_level() == "READ COMMITTED"

    assert (before, after) == ((0, 0), (0, 1))


def test_an_error_shows_no_values(opened: Database) -> None:
    with opened.write() as session:
        api_keys.add(session, key("+5491112345678"))

    with pytest.raises(IntegrityError) as raised, opened.write() as session:
        api_keys.add(session, key("+5491112345678"))

    assert "[SQL parameters hidden" in str(raised.value)


@on_postgresql
def test_no_page_of_a_list_starts_other_processes_or_is_compiled(opened: Database) -> None:
    with opened.engine.connect() as connection:
        workers = connection.exec_driver_sql("SHOW max_parallel_workers_per_gather").scalar()
        compiles = connection.exec_driver_sql("SHOW jit").scalar()

    assert (workers, compiles) == ("0", "off")


@on_postgresql
def test_who_is_frozen_in_a_transaction_keeps_its_locks_for_seconds_only(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a worker is on a machine that was suspended: its connection stays open, and nothing comes."""
    given = postgresql.SESSION_SETTINGS
    assert given["idle_in_transaction_session_timeout"] == "5s" and given["lock_timeout"] == "2s"
    shorter = given | {"idle_in_transaction_session_timeout": "1s", "lock_timeout": "9ms"}
    monkeypatch.setattr(postgresql, "SESSION_SETTINGS", shorter)
    frozen, other = Database(database_url), Database(database_url)
    refused = 0

    with pytest.raises(Unavailable), frozen.write() as theirs:
        events.take_turn(theirs)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                with other.write() as session:
                    events.take_turn(session)
                break
            except Unavailable as error:
                assert error.reason == Trouble.LOCKED
                refused += 1

    assert refused and time.monotonic() < until
    with frozen.write() as session:
        events.take_turn(session)
    frozen.dispose()
    other.dispose()


@on_postgresql
def test_an_operators_command_may_think_for_long_about_what_it_has_read(opened: Database) -> None:
    def limits() -> list[str | None]:
        with opened.read() as session:
            names = ("idle_in_transaction_session_timeout", "lock_timeout")
            return [session.scalar(text(f"SHOW {name}")) for name in names]

    before = limits()
    with statement_timeout.of(None):
        unhurried = limits()

    assert (before, unhurried, limits()) == (["5s", "2s"], ["0", "0"], ["5s", "2s"])


@pytest.mark.parametrize("write", [True, False], ids=["write", "read"])
def test_a_database_that_is_not_there_is_unavailable(database_url: str, write: bool) -> None:
    gone = "sqlite:////nowhere/db" if database_url.startswith("sqlite") else "postgresql://postgres@127.0.0.1:1/x"
    database = Database(gone)

    with pytest.raises(Unavailable), database.write() if write else database.read() as session:
        session.execute(select(ApiKey))
    database.dispose()


@on_sqlite
def test_a_locked_file_is_unavailable_to_writers_and_open_to_readers(
    opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.db.database.WAIT_SECONDS", 0.05)
    stranger = sqlite3.connect(str(opened.url.database), isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")

    with pytest.raises(Unavailable), opened.write() as session:
        api_keys.add(session, key("a"))
    with opened.read() as session:
        assert list(api_keys.all_keys(session)) == []

    stranger.execute("ROLLBACK")
    stranger.close()
    with opened.write() as session:
        api_keys.add(session, key("a"))


def test_foreign_keys_hold(opened: Database) -> None:
    with pytest.raises(IntegrityError), opened.write() as session:
        session.execute(text("INSERT INTO contact_aliases (kind, value, contact_id) VALUES ('wa_id', '1', 'nobody')"))


@pytest.mark.parametrize(
    "moment",
    [
        NOON,
        NOON.astimezone(timezone(timedelta(hours=-3))),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(9000, 1, 1, tzinfo=UTC),
    ],
    ids=["utc", "offset", "epoch", "before", "far"],
)
def test_times_come_back_as_the_same_moment_in_utc(opened: Database, moment: datetime) -> None:
    with opened.write() as session:
        api_keys.add(session, key("a", created_at=moment))

    with opened.read() as session:
        found = api_keys.all_keys(session)[0].created_at
    assert (found, found.utcoffset()) == (moment, timedelta(0))


def test_a_naive_time_is_refused(opened: Database) -> None:
    with pytest.raises((StatementError, TypeError)), opened.write() as session:
        api_keys.add(session, key("a", created_at=datetime(2026, 1, 1)))


def test_absent_json_is_null_and_not_the_word(opened: Database) -> None:
    with opened.write() as session:
        api_keys.add(session, key("a"))

    with opened.read() as session:
        assert session.scalar(select(ApiKey.name).where(ApiKey.numbers.is_(None))) == "a"
        assert session.scalars(select(Message)).all() == []


def key(name: str, **more: object) -> dict[str, object]:
    return {
        "id": new_id(), "name": name, "hash": name, "scopes": ["read"], "numbers": None, "created_at": NOON,
    } | more  # fmt: skip


@pytest.fixture
def opened(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()

"""Writes very many rows into a gateway's database within minutes: `filling(database)`.

Rows go in without indexes and triggers, which are made again at the end: a million messages have eleven indexes, and
one row after the other would be put into each of them. SQLite takes the rows in large transactions without syncing,
PostgreSQL by COPY. Only for databases of benchmarks and tests: after an error nothing of the database is of use.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from app.db.database import Database
from app.models.base import Base, table

Row = tuple[Any, ...]
Write = Callable[[type[Base], Sequence[str], list[Row]], None]
"""Inserts rows into a model's table: the names of the columns, and values in their order. Times are aware `datetime`s,
JSON is text already."""

EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@contextmanager
def filling(database: Database) -> Iterator[Write]:
    """Hand over a function that inserts rows into a migrated database which nobody else uses meanwhile.

    Nothing is queued for the search index: see `queue_for_search` and `benchmarks.lists.data`. PostgreSQL's role must
    be a superuser, because triggers and checks of foreign keys are off.
    """
    database.dispose()
    if database.is_sqlite:
        with _sqlite(str(database.url.database)) as write:
            yield write
    else:
        with _postgresql(database.url.set(drivername="postgresql").render_as_string(hide_password=False)) as write:
            yield write


def queue_for_search(database: Database, *, messages: bool = True) -> None:
    """Queue all contacts for the search index, and all messages too, as the triggers would have done."""
    with database.write() as session:
        connection = session.connection()
        if messages:
            connection.exec_driver_sql("INSERT INTO unsearched_messages (message_id) SELECT id FROM messages")
        connection.exec_driver_sql("INSERT INTO unsearched_contacts (contact_id) SELECT id FROM contacts")


@contextmanager
def _sqlite(path: str) -> Iterator[Write]:
    connection = sqlite3.connect(path, isolation_level=None)
    for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-600000", "temp_store=MEMORY", "threads=2"):
        connection.execute(f"PRAGMA {setting}")
    away = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
        " AND tbl_name NOT LIKE 'search_index%' ORDER BY type"
    ).fetchall()
    # What SQLite is told of its indexes goes with them, and without it plans are bad.
    known = connection.execute("SELECT tbl, idx, stat FROM sqlite_stat1 WHERE idx IS NOT NULL").fetchall()
    for kind, name, _ in away:
        connection.execute(f'DROP {kind} "{name}"')

    def write(model: type[Base], columns: Sequence[str], rows: list[Row]) -> None:
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table(model).name} ({', '.join(columns)}) VALUES ({marks})"
        connection.execute("BEGIN")
        connection.executemany(statement, (tuple(map(_sqlite_value, row)) for row in rows))
        connection.execute("COMMIT")

    try:
        yield write
        for _, _, statement in away:
            connection.execute(statement)
        connection.execute("INSERT INTO search_index (search_index) VALUES ('rebuild')")
        connection.execute("DELETE FROM sqlite_stat1 WHERE idx IS NOT NULL")
        connection.executemany("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", known)
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def _sqlite_value(value: Any) -> Any:
    return (value - EPOCH) // MICROSECOND if isinstance(value, datetime) else value


@contextmanager
def _postgresql(url: str) -> Iterator[Write]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '512MB'")
        away = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND NOT EXISTS"
            " (SELECT FROM pg_constraint WHERE conindid = to_regclass(quote_ident(indexname)))"
        ).fetchall()
        for name, _ in away:
            connection.execute(f'DROP INDEX "{name}"'.encode())

        def write(model: type[Base], columns: Sequence[str], rows: list[Row]) -> None:
            statement = f"COPY {table(model).name} ({', '.join(columns)}) FROM STDIN"
            with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
                for row in rows:
                    copy.write_row(row)

        yield write
        for _, statement in away:
            connection.execute(statement.encode())
        connection.execute("VACUUM ANALYZE")

"""A consistent copy of a PostgreSQL database in use, by COPY in one snapshot, and back. Imports psycopg.

Not by `pg_dump`: it must not be older than the server, is often not installed beside the gateway, and a dump beside a
migration may end well and lack rows. Here the lock against migrations is held, and rows are counted on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

from app.db import postgresql
from app.errors import Malformed, Unavailable, WrongState
from app.migrations.alone import ADVISORY_LOCK
from app.models import Base
from app.services.backups.snapshot_sqlite import TELLING

LOCK_WAIT = "60s"
"""How long a running migration is waited for."""

NOT_COPIED = {"alembic_version"}
"""Its row is made by the migrations."""

Tables = dict[str, dict[str, Any]]
"""By table, in the order in which they are loaded: `columns` and the number of `rows`."""

_COLUMNS = """
    SELECT table_name, column_name FROM information_schema.columns
    JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND is_generated = 'NEVER'
    ORDER BY table_name, ordinal_position
"""
_TRIGGER_FUNCTIONS = """
    SELECT DISTINCT p.oid::regprocedure::text FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND n.nspname = current_schema()
"""


def take(url: URL, folder: Path, progress: Callable[[int], None]) -> tuple[str, Tables]:
    """Write each table into a file of its name; return the schema's revision, and what was written.

    Raises `Unavailable`.
    """
    with _no_migration(url), connected(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            tables = _tables(connection)
            for name, told in tables.items():
                told["rows"] = _copy_out(connection, name, told["columns"], folder / name, progress)
    return str(row[0]) if row else "", tables


def load(url: URL, folder: Path, tables: Tables, progress: Callable[[int], None]) -> None:
    """Fill the tables of an empty database whose schema has the backup's revision, in one transaction.

    Raises `Malformed` if the number of rows is not that of the backup, and `Unavailable`.
    """
    with connected(url) as connection, connection.transaction():
        present = _tables(connection)
        unknown = sorted(set(tables) - set(present))
        if unknown:
            raise Malformed(f"The backup holds tables that this schema has not: {', '.join(unknown)}.")
        for name in tables:
            connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(name)))
        for name in reversed(tables):
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
        for name, told in tables.items():
            rows = _copy_in(connection, name, told["columns"], folder / name, progress)
            if rows != told["rows"]:
                raise Malformed(f"Of table {name} {rows} rows were read back, and the backup lists {told['rows']}.")
            set_sequences(connection, name, told["columns"])
        for name in tables:
            connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(sql.Identifier(name)))


def is_empty(url: URL) -> bool:
    """Whether the database holds nothing that anybody would miss. Raises `Unavailable`."""
    with connected(url) as connection:
        for name in TELLING & _tables(connection).keys():
            query = sql.SQL("SELECT EXISTS (SELECT 1 FROM {})").format(sql.Identifier(name))
            row = connection.execute(query).fetchone()
            if row and row[0]:
                return False
    return True


def drop_all(url: URL) -> None:
    """Drop our tables and the functions of their triggers. Raises `Unavailable`."""
    with connected(url) as connection, connection.transaction():
        functions = [row[0] for row in connection.execute(_TRIGGER_FUNCTIONS)]
        names = [*_tables(connection), *NOT_COPIED]
        for name in names:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(sql.Identifier(name)))
        for function in functions:
            connection.execute(sql.SQL("DROP FUNCTION IF EXISTS {}").format(sql.SQL(function)))


@contextmanager
def _no_migration(url: URL) -> Iterator[None]:
    """Hold the lock against migrations in a transaction of its own: behind a pooler no session would hold it, and one
    taken in the snapshot's own transaction would come after the snapshot."""
    with connected(url) as guard, guard.transaction():
        guard.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
        guard.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        guard.execute(f"SELECT pg_advisory_xact_lock_shared({ADVISORY_LOCK})".encode())
        yield


@contextmanager
def connected(url: URL) -> Iterator[psycopg.Connection[Any]]:
    """Open a connection of psycopg's own, in autocommit. Raises `Unavailable` and `WrongState` for errors of it."""
    given = postgresql.connecting(url) | {"application_name": "whatsapp-service backup"}
    target = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(target, autocommit=True, prepare_threshold=None, **given) as found:
            yield found
    except psycopg.Error as error:
        if isinstance(error, psycopg.errors.InsufficientPrivilege):
            raise WrongState("The role of DATABASE_URL may not do this; use the owner of the tables.") from error
        raise Unavailable(reason=f"the database cannot be used: {type(error).__name__}") from error


def _tables(connection: psycopg.Connection[Any]) -> Tables:
    found: Tables = {}
    for table, column in connection.execute(_COLUMNS):
        if table not in NOT_COPIED:
            found.setdefault(table, {"columns": []})["columns"].append(column)
    known = [each.name for each in Base.metadata.sorted_tables if each.name in found]  # what is referred to, first
    return {name: found[name] for name in [*known, *sorted(found.keys() - set(known))]}


def _copy_out(
    connection: psycopg.Connection[Any], name: str, columns: list[str], path: Path, progress: Callable[[int], None]
) -> int:
    statement = sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(name), _joined(columns))
    with connection.cursor() as cursor, path.open("wb") as file:
        with cursor.copy(statement) as copy:
            for data in copy:
                file.write(data)
                progress(len(data))
        return cursor.rowcount


def _copy_in(
    connection: psycopg.Connection[Any], name: str, columns: list[str], path: Path, progress: Callable[[int], None]
) -> int:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(name), _joined(columns))
    with connection.cursor() as cursor, path.open("rb") as file:
        with cursor.copy(statement) as copy:
            while data := file.read(1 << 20):
                copy.write(data)
                progress(len(data))
        return cursor.rowcount


def _joined(columns: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def set_sequences(connection: psycopg.Connection[Any], name: str, columns: list[str]) -> None:
    """Let the numbers that the database assigns go on after the loaded ones."""
    for column in columns:
        row = connection.execute("SELECT pg_get_serial_sequence(quote_ident(%s), %s)", [name, column]).fetchone()
        if row and row[0]:
            last = sql.SQL("SELECT setval(%s, GREATEST(COALESCE(max({}), 0), 1)) FROM {}")
            connection.execute(last.format(sql.Identifier(column), sql.Identifier(name)), [row[0]])


def check_names(tables: Mapping[str, Any]) -> Tables:
    """Return the tables that a backup lists. Raises `Malformed` for anything but names with columns and rows."""
    for name, told in tables.items():
        texts = [name, *told.get("columns", [])] if isinstance(told, dict) else [None]
        if not all(isinstance(each, str) for each in texts) or not isinstance(told.get("rows"), int):
            raise Malformed("The backup's list of tables cannot be read.")
    return dict(tables)

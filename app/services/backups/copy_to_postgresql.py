"""Copy a SQLite database into an empty PostgreSQL database, once, for those who have outgrown one machine.

The target's indexes and keys are put away first and made again at the end (`put_away`), which is several times as fast.
How far each table has come stands in the target, in the same transaction as the rows: a copy that was interrupted goes
on where it was. Until it has ended, the target's schema serves no gateway.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Table
from sqlalchemy.exc import DBAPIError

from app import migrations
from app.db import statement_timeout
from app.db.database import Database
from app.errors import Unavailable, WrongState
from app.models import Base
from app.services.backups import put_away, snapshot_postgresql, sqlite_lines
from app.services.operations import audit_balance
from app.store import upkeep, workers

Progress = Callable[[str, int, int], None]
"""Gets the step, what is done of it, and its whole."""

NOT_COPIED = {"schema_info"}
"""Made by the migrations."""

TABLES = [each for each in Base.metadata.sorted_tables if each.name not in NOT_COPIED]

_BEGIN = "CREATE TABLE copying (name text PRIMARY KEY, place bigint NOT NULL, source text NOT NULL)"
_ANEW = "Stop every process of the gateway, make an empty PostgreSQL database, and copy anew."
_IS_COPYING = "SELECT to_regclass('copying') IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied: the rows by table, and what the audit of the target found."""

    rows: dict[str, int]
    problems: list[str]


def copy_to_postgresql(source: Database, target: Database, now: datetime, report: Progress) -> Copied:
    """Copy everything, or what is left of an interrupted copy; then compare counts, and audit the target.

    Raises `WrongState` if the source is in use or older than this release, if the target holds something else, or if
    the source changed meanwhile, or since an interrupted copy; and `Unavailable`.
    """
    path = Path(str(source.url.database))
    _check_source(source, path, now)
    place = f"{path.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(place, uri=True, isolation_level=None, check_same_thread=False)) as reader:
        reader.execute("BEGIN")  # one state of everything
        counts = {each.name: _count(reader, each) for each in TABLES}
        version = _data_version(reader)
        with snapshot_postgresql.connected(target.url) as writer:
            if not _one(writer, _IS_COPYING):
                _check_target(target)
                _begin(writer)
            writer.execute("SET synchronous_commit = off")
            _copy_all(reader, writer, _state_of(reader, path, counts), sum(counts.values()), report)
            put_away.make_again(target.url, partial(report, "indexes"))
            rows = {each.name: int(_one(writer, f'SELECT count(*) FROM "{each.name}"')) for each in TABLES}
            if different := [f"{name} {counts[name]}, {rows[name]}" for name in rows if rows[name] != counts[name]]:
                raise WrongState(f"Rows in the source and in the target differ: {'; '.join(different)}.")
            reader.execute("COMMIT")
            if _data_version(reader) != version:
                writer.execute("UPDATE copying SET source = 'changed'")  # so that this copy cannot go on
                raise WrongState(f"Something wrote to the SQLite database while it was copied. {_ANEW}")
            _end(writer)
    report("audit", 0, 1)
    with statement_timeout.of(None):
        problems = audit_balance(target, now=now).problems
    report("audit", 1, 1)
    return Copied(rows, problems)


def _check_source(source: Database, path: Path, now: datetime) -> None:
    if not path.exists():
        raise WrongState(f"There is no file {path}.")
    with source.read() as session:
        if migrations.current(session.connection()) != migrations.head():
            raise WrongState(
                "The SQLite database is not at this release's schema. Run `whatsapp-service migrate` with its"
                " DATABASE_URL first."
            )
        if workers.living(session, now) or workers.living_web(session, now):
            raise WrongState(
                "The gateway is running on the SQLite database. Stop every process of it; after a kill it counts as"
                " running for half a minute."
            )


def _check_target(target: Database) -> None:
    try:
        with target.engine.connect() as connection:
            is_new = migrations.current(connection) is None
    except DBAPIError as error:
        raise Unavailable from error
    if not is_new and not snapshot_postgresql.is_empty(target.url):
        raise WrongState("The PostgreSQL database is not empty. Name an empty one: createdb whatsapp")
    migrations.upgrade(target)


def _begin(writer: psycopg.Connection[Any]) -> None:
    """Put everything away that slows rows down, and let the schema serve nobody, in one transaction."""
    with writer.transaction():
        writer.execute(_BEGIN)
        put_away.put_away(writer)
        for each in TABLES:
            writer.execute(f'ALTER TABLE "{each.name}" DISABLE TRIGGER USER'.encode())
            writer.execute(f'TRUNCATE "{each.name}"'.encode())
        _set_revision(writer, migrations.COPYING)


def _end(writer: psycopg.Connection[Any]) -> None:
    with writer.transaction():
        for each in TABLES:
            writer.execute(f'ALTER TABLE "{each.name}" ENABLE TRIGGER USER'.encode())
            snapshot_postgresql.set_sequences(writer, each.name, [column.name for column in each.columns])
        # The source may still use the store of files, as after a restore: see services.media.orphans.
        writer.execute("DELETE FROM upkeep WHERE name = %s", [upkeep.VAULT_OWNER])
        writer.execute("DROP TABLE copying, copying_later")
        _set_revision(writer, migrations.head())
    writer.execute("ANALYZE")


def _set_revision(writer: psycopg.Connection[Any], revision: str) -> None:
    writer.execute("UPDATE alembic_version SET version_num = %s", [revision])


def _state_of(reader: sqlite3.Connection, path: Path, counts: dict[str, int]) -> str:
    """Return what changes when a gateway runs on the source: counts, the newest change, and turns of periodic work."""
    newest = reader.execute("SELECT max(updated_at) FROM messages").fetchone()[0]
    turns = reader.execute("SELECT name, at, place FROM upkeep ORDER BY name").fetchall()
    return f"{path.name} {sorted(counts.items())} {newest} {turns}"


def _copy_all(
    reader: sqlite3.Connection, writer: psycopg.Connection[Any], source: str, total: int, report: Progress
) -> None:
    done = 0
    for table in TABLES:
        row = writer.execute("SELECT place, source FROM copying WHERE name = %s", [table.name]).fetchone()
        if row and row[1] != source:
            raise WrongState(f"The SQLite database has changed since the copy was interrupted. {_ANEW}")
        place = row[0] if row else 0
        done += reader.execute(f'SELECT count(*) FROM "{table.name}" WHERE rowid <= ?', (place,)).fetchone()[0]
        for lines in _read_ahead(reader, table, place):
            with writer.transaction():
                _write(writer, table, lines.data)
                writer.execute(
                    "INSERT INTO copying (name, place, source) VALUES (%s, %s, %s)"
                    " ON CONFLICT (name) DO UPDATE SET place = excluded.place",
                    [table.name, lines.place, source],
                )
            done += lines.rows
            report("rows", done, total)


def _read_ahead(reader: sqlite3.Connection, table: Table, place: int) -> Iterator[sqlite_lines.Lines]:
    """Yield portions of rows; while one is written, SQLite makes the next in another thread."""
    portions = sqlite_lines.read(reader, table, place)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, portions, None)
        while (lines := coming.result()) is not None:
            coming = pool.submit(next, portions, None)
            yield lines


def _write(writer: psycopg.Connection[Any], table: Table, data: bytes) -> None:
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(sql.Identifier(table.name), columns)
    with writer.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(data)


def _count(reader: sqlite3.Connection, table: Table) -> int:
    return int(reader.execute(f'SELECT count(*) FROM "{table.name}"').fetchone()[0])


def _data_version(reader: sqlite3.Connection) -> int:
    """Return a number that changes with every commit of another connection."""
    return int(reader.execute("PRAGMA data_version").fetchone()[0])


def _one(writer: psycopg.Connection[Any], query: str) -> Any:
    row = writer.execute(query.encode()).fetchone()
    return row[0] if row else None

"""The schema of an empty SQLite file at one revision, as the migrations up to it make it.

A first start executes it in place of forty migrations, which take a second of a processor, and runs only the later
ones. `python -m app.migrations.snapshot` writes it anew.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import Connection

FILE = Path(__file__).with_name("snapshot_sqlite.sql")

_BETWEEN = "\n--\n"
_STATISTICS = "sqlite_stat1"
_MAKE_STATISTICS = "ANALYZE schema_info"
"""Makes the table of what SQLite knows of indexes."""

_OBJECTS = """
SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite~_%' ESCAPE '~'
AND name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow')
ORDER BY type = 'trigger', type = 'index', name
"""


def restore(connection: Connection) -> str:
    """Make the schema in the transaction of `connection`; return its revision, which may be an earlier one."""
    for statement in FILE.read_text("utf-8").split(_BETWEEN):
        connection.exec_driver_sql(statement)
    return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())


def take(connection: Connection) -> str:
    """Return the statements that make the schema of a database, and the rows that its migrations wrote."""
    return _BETWEEN.join(_statements(connection)) + "\n"


def _statements(connection: Connection) -> Iterator[str]:
    for (sql,) in connection.exec_driver_sql(_OBJECTS):
        yield "\n".join(line.rstrip() for line in sql.strip().splitlines())
    yield _MAKE_STATISTICS
    yield f"DELETE FROM {_STATISTICS}"
    for table in ("alembic_version", "schema_info", _STATISTICS):
        for row in sorted(connection.exec_driver_sql(f"SELECT * FROM {table}").all()):
            values = ", ".join(str(each) if isinstance(each, int) else f"'{each}'" for each in row)
            yield f"INSERT INTO {table} VALUES ({values})"


def main() -> None:
    """Migrate an empty file, and keep what came of it."""
    from app import migrations
    from app.db.database import Database

    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/empty.db")
        migrations.go_to(database, migrations.head())
        with database.engine.connect() as connection:
            FILE.write_text(take(connection), "utf-8")
        database.dispose()
    sys.stdout.write(f"Wrote {FILE.name}.\n")


if __name__ == "__main__":
    main()

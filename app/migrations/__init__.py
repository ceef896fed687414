"""The database's schema, step by step, and how it is brought up to date.

One process migrates, before any worker starts: two fresh processes switching a new SQLite file to WAL at the same
moment lock each other out.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from app import statement_bound
from app.database import Database
from app.database_remedy import explain
from app.errors import Unavailable
from app.write_lock import WriteLock, WriteLockTimeout

MIGRATE_WAIT_SECONDS = 60.0
_ADVISORY_LOCK = 7264919
_LIMITS = ("lock_timeout", "idle_in_transaction_session_timeout")


def upgrade(database: Database) -> None:
    """Bring the schema to this version's. Safe to call from several processes or machines at once.

    Raises `Unavailable` when the database cannot be reached or lets us change nothing.
    """
    try:
        with statement_bound.of(None):
            if database.is_sqlite:
                _upgrade_sqlite(database)
            else:
                _upgrade_postgresql(database)
    except (OperationalError, OSError, WriteLockTimeout) as error:
        raise Unavailable from error
    except DBAPIError as error:  # a role without rights, a file that is no database: troubles that have a remedy
        if explain(error, database.url):
            raise Unavailable from error
        raise


def head() -> str:
    """The revision this version of the software expects."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def is_enough(revision: str | None) -> bool:
    """Whether a database at this revision serves this release: its own, or a later release's.

    Revisions are numbers in the order of releases, and every migration only adds: what an earlier release needs is
    still there, so that releases may run side by side, and the earlier one may be started again.
    """
    return revision is not None and revision >= head()


def current(connection: Connection) -> str | None:
    """The revision the database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade_postgresql(database: Database) -> None:
    with database.engine.connect() as connection:
        for name in _LIMITS:  # a step may take long, and so may the wait for somebody else's
            connection.execute(text(f"SET {name} = 0"))
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        try:
            connection.commit()
            _run(connection)
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _ADVISORY_LOCK})
            for name in _LIMITS:
                connection.execute(text(f"RESET {name}"))
            connection.commit()


def _upgrade_sqlite(database: Database) -> None:
    path = Path(str(database.url.database))
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = _sqlite_engine(database)
    with WriteLock(path).hold(MIGRATE_WAIT_SECONDS), engine.connect() as connection:
        _run(connection)
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            raise RuntimeError(f"the migration left {len(broken)} rows that refer to nothing")
    engine.dispose()
    path.chmod(0o600)


def _sqlite_engine(database: Database) -> Engine:
    """An engine with foreign keys off: altering a table in SQLite drops and refills it, which would cascade."""
    engine = create_engine(database.url, poolclass=NullPool, connect_args={"timeout": 30, "isolation_level": None})

    @event.listens_for(engine, "connect")
    def _prepare(connection, _record):  # type: ignore[no-untyped-def]
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=OFF")

    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _run(connection: Connection) -> None:
    if is_enough(current(connection)):  # Alembic does not know the revisions of later releases
        connection.rollback()
        return
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()


def _config() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config

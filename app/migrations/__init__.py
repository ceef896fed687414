"""The database's schema, step by step, how it is brought up to date, and which releases it serves.

One process migrates, before any worker starts: two fresh processes switching a new SQLite file to WAL at the same
moment lock each other out. Every process looks whether the schema fits it; Alembic, a tenth of what it takes to start
one, is imported by the one that has something to change.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from app.db import sqlite_wal
from app.db.database import Database
from app.db.failures import Trouble
from app.db.remedies import explain
from app.db.write_lock import WriteLock, WriteLockTimeout
from app.errors import Unavailable
from app.migrations.alone import run_alone

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

MIGRATE_WAIT_SECONDS = 60.0
LOOK_SECONDS = 2.0
"""How long a SQLite file may be looked through for damage after a stop that was none in order."""

_FOLDER = Path(__file__).parent

FIRST_RELEASED = "0011"
"""Revisions before it are not in the order of their numbers, and no release needs them."""

_VERSION_TABLE = "alembic_version"
_CURRENT = text(f"SELECT version_num FROM {_VERSION_TABLE}")
COPYING = "copying"
"""In place of a revision: a copy from SQLite into this database has begun and not ended, so that it serves nobody."""

_SERVES_SINCE = text("SELECT serves_since FROM schema_info")


class Fit(Enum):
    """Whether a schema serves this release."""

    SERVES = "serves"
    TOO_OLD = "too old"
    TOO_NEW = "too new"


class WrongRevision(Exception):
    """The database cannot be brought to this revision; says why."""


def upgrade(database: Database) -> None:
    """Bring the schema to this version's. Safe to call from several processes or machines at once.

    A later release's is left as it is if it serves this one. Raises `Unavailable` when it does not, when the database
    cannot be reached or lets us change nothing, and when it is held by others for minutes.
    """
    _change(database, _upgrade, _is_up)


def go_to(database: Database, revision: str) -> None:
    """Bring the schema to a revision that this release knows, also back to an earlier one, whose data alone is kept.

    Raises `WrongRevision` and `Unavailable`.
    """
    known = _revisions()
    if revision not in known or revision < FIRST_RELEASED:
        raise WrongRevision(f"This release can go to {FIRST_RELEASED} to {head()}, and not to {revision}.")

    def act(connection: Connection) -> None:
        found = current(connection)
        connection.rollback()
        if found is not None and found not in known:
            raise WrongRevision(f"The database is at {found}, which only the release that made it can take back.")
        if found is None or found < revision:
            _run(connection, "upgrade", revision)
        elif found > revision:
            _run(connection, "downgrade", revision)

    _change(database, act, lambda connection: current(connection) == revision)


def head() -> str:
    """The revision this version of the software expects."""
    return max(_revisions())


@cache
def _revisions() -> frozenset[str]:
    """All that this release knows: the numbers with which the names of their files begin."""
    return frozenset(path.name[:4] for path in (_FOLDER / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))


def fit(connection: Connection) -> Fit:
    """Whether the database serves this release: it is at its revision, or at a later one that serves it as well.

    Revisions are numbers in the order of releases. Nearly every migration only adds, so that releases may run side by
    side; one after which earlier releases cannot run says so (`SERVES_EARLIER_RELEASES = False`), and the database
    keeps the latest such in `schema_info`.
    """
    revision = current(connection)
    if revision == COPYING:
        return Fit.TOO_NEW
    if revision is None or revision < head():
        return Fit.TOO_OLD
    if revision == head():
        return Fit.SERVES
    since = connection.execute(_SERVES_SINCE).scalar()
    return Fit.SERVES if since is None or since <= head() else Fit.TOO_NEW


def current(connection: Connection) -> str | None:
    """The revision the database is at; None for an empty one."""
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    revision: str | None = connection.execute(_CURRENT).scalar()
    return revision


def refusal(connection: Connection) -> str | None:
    """Why this release cannot use the schema of a later one, and what to do; None for any other schema."""
    if fit(connection) is not Fit.TOO_NEW:
        return None
    if current(connection) == COPYING:
        return "A copy from SQLite into this database was begun. Run `whatsapp-service db copy` again, which ends it."
    since = connection.execute(_SERVES_SINCE).scalar()
    return (
        f"A later release brought the database to revision {current(connection)}, which serves releases from"
        f" revision {since} on; this one is of {head()}. Start the later release; or stop it, and run there"
        f" `whatsapp-service migrate --to {head()}` to go back."
    )


def _is_up(connection: Connection) -> bool:
    """Whether there is nothing to do. Raises `Unavailable` for a schema that this release cannot use."""
    reason = refusal(connection)
    if reason is not None:
        raise Unavailable(reason=reason)
    return fit(connection) is Fit.SERVES


def _upgrade(connection: Connection) -> None:
    is_up = _is_up(connection)
    is_new_file = connection.dialect.name == "sqlite" and not inspect(connection).get_table_names()
    connection.rollback()
    if is_new_file:
        from app.migrations import snapshot  # here, because only a first start needs it

        with connection.begin():
            is_up = snapshot.restore(connection) == head()
    if not is_up:
        _run(connection, "upgrade", "head")


def _change(database: Database, act: Callable[[Connection], None], is_done: Callable[[Connection], bool]) -> None:
    try:
        if database.is_sqlite:
            _change_sqlite(database, act, is_done)
        else:
            run_alone(database, act, is_done)
    except (OperationalError, OSError, WriteLockTimeout) as error:
        raise Unavailable from error
    except DBAPIError as error:  # a role without rights, a file that is no database: troubles that have a remedy
        if explain(error, database.url):
            raise Unavailable from error
        raise


def _change_sqlite(
    database: Database, act: Callable[[Connection], None], is_done: Callable[[Connection], bool]
) -> None:
    path = Path(str(database.url.database))
    path.parent.mkdir(parents=True, exist_ok=True)
    with WriteLock(path).hold(MIGRATE_WAIT_SECONDS):
        if not sqlite_wal.belongs(path):
            raise Unavailable(reason=Trouble.OTHERS_LOG)
        log = Path(f"{path}-wal")
        was_cut_short = log.exists() and log.stat().st_size > 0
        engine = _sqlite_engine(database)
        with engine.connect() as connection:
            if was_cut_short:
                _look_for_damage(connection)
            if not is_done(connection):
                connection.rollback()
                act(connection)
                if connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise Unavailable(reason=f"{Trouble.DAMAGED}: rows refer to others that are not there")
        engine.dispose()
    path.chmod(0o600)


def _look_for_damage(connection: Connection) -> None:
    """Raise `Unavailable` for a file whose pages do not fit together. What takes too long is left unseen."""
    deadline = time.monotonic() + LOOK_SECONDS
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.set_progress_handler(lambda: time.monotonic() > deadline, 10000)
    try:
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    except OperationalError as error:
        if "interrupted" not in str(error.orig):
            raise
        found = "ok"
    finally:
        driver.set_progress_handler(None, 0)
        connection.rollback()
    if found != "ok":
        raise Unavailable(reason=Trouble.DAMAGED)


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


def _run(connection: Connection, direction: str, revision: str) -> None:
    """`upgrade` or `downgrade`. Each migration is a transaction of its own on PostgreSQL; on SQLite all are one."""
    from alembic import command

    if connection.dialect.name == "sqlite":
        connection.begin()
    config = _config()
    config.attributes["connection"] = connection
    getattr(command, direction)(config, revision)
    connection.commit()


def _config() -> AlembicConfig:
    from alembic.config import Config as AlembicConfig

    config = AlembicConfig()
    config.set_main_option("script_location", str(_FOLDER))
    return config

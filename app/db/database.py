"""The database, with one session factory for reading and one for writing, on SQLite and PostgreSQL alike.

A read followed by a write in one deferred SQLite transaction fails at once, whatever the busy timeout, and BEGIN
IMMEDIATE everywhere would make readers queue. So a caller must choose the factory before the first statement.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Select, create_engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from app import clock, metrics
from app.db import sqlite_wal
from app.db.failures import Trouble, of_driver, of_system
from app.db.plain_connection import Executes, PlainConnection, plain_connection
from app.db.wakeups import Wakeups
from app.db.write_health import Writes
from app.db.write_lock import WriteLock, WriteLockTimeout
from app.errors import Unavailable

WAIT_SECONDS = 2.0
"""How long a caller may wait for each of: the write lock, a foreign lock on the file or in PostgreSQL, a pooled
connection. Together they stay below 5 s, after which a request is answered that it should be repeated later."""

HAS_WORK = "has_work"
"""Set in `Session.info` by what writes work for a worker in a session's transaction."""

_NOW = select(func.clock_timestamp())

POOL_SIZE = 3
"""PostgreSQL's connections for the transactions of one process. A process has up to two more: a web process for its
webhooks and for looks, a worker for looks and for wake-ups. So two web processes, a worker and a command use no more
than 18, where the smallest plans of hosts allow 20."""

_BEGIN_WRITE = "BEGIN IMMEDIATE"

BUSY_MILLISECONDS = 20
"""SQLite's own waiting blocks a whole gevent process, so it is short, and the gateway repeats it cooperatively."""


class Database:
    """Engines and sessions for one database URL.

    It opens no connection before the first use, so that no connection is shared over a fork.
    """

    def __init__(self, url: str, pool_size: int = POOL_SIZE) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        path = self.url.database if self.is_sqlite else None
        self._lock = WriteLock(Path(path)) if path and path != ":memory:" else WriteLock()
        self.writes = Writes(Path(f"{path}-turn") if path and path != ":memory:" else None)
        self.wakeups = Wakeups(self.url)
        self.engine = self._engine(pool_size)
        self._write_engine = self._engine(1, begin=_BEGIN_WRITE) if self.is_sqlite else self.engine
        self._rows_engine = self._write_engine if self.is_sqlite else self._engine(1, is_autocommit=True)
        self._look_engine = self._engine(1, is_autocommit=True, pings=False)
        self._is_asked = False
        self._readers = sessionmaker(self.engine, expire_on_commit=False)
        self._writers = sessionmaker(self._write_engine, expire_on_commit=False)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session for reading. Raises `Unavailable`.

        On PostgreSQL each statement sees what is committed when it begins; a body that compares what several of them
        find needs a `snapshot`.
        """
        with _translated(), self._readers() as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """As `read`, but all statements of the body see one state: that of the first."""
        with self.read() as session:
            if not self.is_sqlite:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    def look(self, statement: Select[Any], values: Mapping[str, object]) -> Any:
        """Return the first value of the first row of a result, or None.

        Idle processes poll with it, so it is cheap: no session, no transaction, one connection for all threads, and no
        check that the connection still works. Raises `Unavailable`, also once after the database was away.
        """
        with _translated(), self._look_engine.connect() as connection:
            return connection.scalar(statement, values)

    def is_any(self, statement: Select[Any], values: Mapping[str, object], of: str = "") -> bool:
        """Return whether the first value of a result is true. For polls for work: what was False lately may stay so.

        `of` tells polls with one statement apart. Raises `Unavailable`.
        """
        if self.wakeups.may_rest((id(statement), of)):
            return False
        is_any = bool(self.look(statement, values))
        if is_any:
            self.wakeups.found()
        return is_any

    def keep_time(self) -> None:
        """Compare the machine's clock with PostgreSQL's, and correct it if they differ. Raises `Unavailable`."""
        if not self.is_sqlite:
            asked = datetime.now(UTC)
            clock.follow(self.look(_NOW, {}), asked, datetime.now(UTC))

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a session whose transaction is committed after the body, or rolled back if the body raises.

        On SQLite the body holds the machine's write lock: it must only run statements, must not yield to other
        greenlets, and should end within 10 ms. Raises `Unavailable` when the database is locked, full or gone; then
        nothing was written.
        """
        with self._recorded(), self._turn(), self._writers() as session:
            connection = session.connection()
            yield session
            if not self.is_sqlite and session.info.get(HAS_WORK):
                self.wakeups.tell(connection)
            session.commit()

    @contextmanager
    def write_rows(self) -> Iterator[PlainConnection]:
        """Open a connection for one statement, which is committed after the body, for one caller at a time.

        Unlike `write` it has no ORM and little of SQLAlchemy, which would cost more than the database does. On SQLite
        all statements of the body are one transaction; on PostgreSQL each commits itself, because BEGIN and COMMIT
        would be two more round trips. There it has a connection of its own, so that webhooks are stored even if all
        others are in use.
        """
        with self._recorded(), self._turn(), plain_connection(self._rows_engine) as connection:
            if self.is_sqlite:
                _begin(connection, _BEGIN_WRITE)
                yield connection
                connection.exec_driver_sql("COMMIT")
                return
            from app.db import postgresql  # here, so that a gateway on SQLite runs without psycopg

            with postgresql.alone(connection):
                yield connection
            # What the statement wrote is committed, and stays so where the workers do not hear of it.
            with suppress(DBAPIError):
                self.wakeups.tell(connection)

    @contextmanager
    def _recorded(self) -> Iterator[None]:
        """Record whether a write succeeded; refuse it on a disk known to hang; translate errors like `_translated`."""
        if self.writes.is_disk_hanging:
            raise Unavailable(reason=Trouble.HANGS)
        try:
            yield
        except Exception as error:
            ours = _in_our_words(error)
            if isinstance(ours, Unavailable):
                self.writes.failed(ours.reason)
            if ours is error:
                raise
            raise ours from error
        self.writes.succeeded()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Hold SQLite's write lock, and measure for how long. PostgreSQL needs none."""
        if not self.is_sqlite:
            yield
            return
        asked = time.perf_counter()
        with self._lock.hold(WAIT_SECONDS):
            started = time.perf_counter()
            try:
                yield
            finally:
                metrics.write_lock_seconds.observe(time.perf_counter() - started)
                metrics.write_lock_wait_seconds.observe(started - asked)

    def empty_wal(self) -> bool:
        """Write SQLite's log into the database file and truncate it; return False if a reader still uses the log.

        Does nothing on PostgreSQL. Waits for readers as long as a writer waits for the lock. Raises `Unavailable`.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while self.is_sqlite:
            with _translated(), self._turn(), self._look_engine.connect() as connection:
                busy, pages, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            if not busy:
                return int(pages) <= 0
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def dispose(self) -> None:
        """Close every connection and the lock's files."""
        self.engine.dispose()
        self._write_engine.dispose()
        self._rows_engine.dispose()
        self._look_engine.dispose()
        self._lock.close()

    def _engine(
        self, pool_size: int, begin: str = "BEGIN", *, is_autocommit: bool = False, pings: bool = True
    ) -> Engine:
        options: dict[str, Any] = {"hide_parameters": True, "pool_timeout": WAIT_SECONDS, "pool_size": pool_size}
        if is_autocommit:
            options |= {"isolation_level": "AUTOCOMMIT", "max_overflow": 0}
        if not self.is_sqlite:
            options["max_overflow"] = 0
            from app.db.postgresql import make_engine  # here, so that a gateway on SQLite runs without psycopg

            return make_engine(self.url, options, pings=pings)
        options["connect_args"] = {"isolation_level": None, "check_same_thread": False, "timeout": 0}
        engine = create_engine(self.url, **{"max_overflow": 2 if pool_size > 1 else 0} | options)
        event.listen(engine, "do_connect", self._ask_for_the_log)
        event.listen(engine, "connect", _set_pragmas)
        if not is_autocommit:
            event.listen(engine, "begin", lambda connection: _begin(connection, begin))
        return engine

    def _ask_for_the_log(self, *_: Any) -> None:
        """Raise `Unavailable` if the log beside the file belongs to another file. Checked only before the first use."""
        path = self.url.database
        if not self._is_asked and path and not sqlite_wal.belongs(Path(path)):
            raise Unavailable(reason=Trouble.OTHERS_LOG)
        self._is_asked = True


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_MILLISECONDS}",
        "synchronous=FULL",
        "secure_delete=ON",  # deleted content is overwritten with zeros
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "wal_autocheckpoint=2000",
        "journal_size_limit=67108864",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Executes, statement: str) -> None:
    """Begin a SQLite transaction; while another program locks the file, wait without blocking other greenlets."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.exec_driver_sql(statement)
            return
        except OperationalError as error:
            if "locked" not in str(error.orig) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@contextmanager
def _translated() -> Iterator[None]:
    """Raise `Unavailable` in place of a database's error that says so. Mistakes in a statement are raised unchanged."""
    try:
        yield
    except Exception as error:
        ours = _in_our_words(error)
        if ours is error:
            raise
        raise ours from error


def _in_our_words(error: Exception) -> Exception:
    """Return `Unavailable` with the reason if the database cannot be used now, else the error itself."""
    trouble: Trouble | None = None
    if isinstance(error, WriteLockTimeout):
        trouble = Trouble.LOCKED
    elif isinstance(error, PoolTimeout):
        trouble = Trouble.SLOW
    elif isinstance(error, DBAPIError):
        trouble = of_driver(error.orig)
        if trouble is None and (error.connection_invalidated or isinstance(error, OperationalError)):
            trouble = Trouble.AWAY
    elif isinstance(error, OSError):
        # An error of the lock file counts too: nothing can be written if its folder is full, gone or read-only.
        trouble = of_system(error)
    return error if trouble is None else Unavailable(reason=trouble)

"""On PostgreSQL a migration runs alone, and lets everybody pass who would have to wait behind it.

Changing a table needs it for a moment alone. While that is waited for, behind a dump or a forgotten transaction, every
other statement on the table waits, too. So it is waited for shortly, again and again.

That it runs alone is held by a transaction of a second connection, not by a session: behind a pooler there is none.
Between its statements that transaction has no snapshot, so that nobody waits for it, neither VACUUM nor CONCURRENTLY.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, TextClause, create_engine, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from app.db.database import Database
from app.errors import Unavailable
from app.logs import get_logger

ADVISORY_LOCK = 7264919
"""Held by a migration; dumps hold it shared (docs/operating.md)."""

LOCK_SECONDS = 1.0
"""How long others wait behind a migration at most; less than they give a lock themselves."""

PAUSES_SECONDS = (1.0, 2.0, 3.0, 5.0)
WAIT_SECONDS = 600.0
"""For other migrations, dumps and transactions, all together."""

_OF_OTHERS = {"55P03", "40P01"}
"""A lock that did not come in time; a deadlock."""

NAME = "whatsapp-service migrate"
"""What `pg_stat_activity` calls its connections."""

_TRY = f"SELECT pg_try_advisory_xact_lock({ADVISORY_LOCK})"
"""Without parameters, so that it goes by the simple protocol: one with parameters keeps its snapshot until the next
statement of its transaction, and CREATE INDEX CONCURRENTLY would wait for that."""

_HOLDER = text(
    "SELECT pid, application_name, extract(epoch FROM clock_timestamp() - query_start)::int AS seconds"
    " FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND classid = 0 AND objid = :lock AND granted AND database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid() LIMIT 1"
)
_OLDEST = text(
    "SELECT pid, application_name, extract(epoch FROM clock_timestamp() - xact_start)::int AS seconds"
    " FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
    f" AND backend_type = 'client backend' AND application_name <> '{NAME}' ORDER BY xact_start LIMIT 1"
)

logger = get_logger(__name__)


def run_alone(database: Database, act: Callable[[Connection], None], is_done: Callable[[Connection], bool]) -> None:
    """Unless `is_done`, call `act`, again after each lock it did not get; it must then go on where it was.

    Raises `Unavailable`, which says who is in the way, when that takes too long.
    """
    engine = _engine(database)
    patience = _Patience(WAIT_SECONDS)
    with engine.connect() as connection:
        if is_done(connection):
            return
        connection.rollback()
        with engine.connect() as guard:  # with whose transaction the lock ends
            while not guard.exec_driver_sql(_TRY).scalar():
                guard.rollback()
                patience.wait(connection, _HOLDER, "a dump or another migration runs; this one waits for it")
            while not _is_done(connection, act):
                patience.wait(connection, _OLDEST, "a long transaction holds a table; the migration lets others pass")


def _engine(database: Database) -> Engine:
    from app.db import postgresql  # here, so that a gateway on SQLite runs without psycopg

    settings = {
        "timezone": "UTC", "synchronous_commit": "on", "lock_timeout": f"{LOCK_SECONDS * 1000:.0f}",
        "idle_in_transaction_session_timeout": "0",
    }  # fmt: skip
    arguments = postgresql.connecting(database.url) | {"application_name": NAME}
    engine = create_engine(database.url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        postgresql.prepare_session(connection, settings)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if postgresql.is_pooled(connection):
            postgresql.set_locally(connection, settings)

    return engine


def _is_done(connection: Connection, act: Callable[[Connection], None]) -> bool:
    try:
        act(connection)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in _OF_OTHERS:
            raise
        connection.rollback()
        return False
    return True


class _Patience:
    """Pauses that grow, and end; the first is told."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._told: set[str] = set()
        self._times = 0

    def wait(self, connection: Connection, who: TextClause, why: str) -> None:
        row = connection.execute(who, {"lock": ADVISORY_LOCK}).first()
        connection.rollback()
        if time.monotonic() > self._end:
            whose = f" (pid {row.pid}, {row.application_name or 'without a name'}, {row.seconds} s)" if row else ""
            raise Unavailable(
                reason=f"The migration gave up: {why.partition(';')[0]}{whose}. Nothing is half done. End that"
                " (SELECT pg_terminate_backend(pid)) or let it end, and run `whatsapp-service migrate` again."
            )
        if why not in self._told:
            self._told.add(why)
            logger.warning(why, extra={"pid": row.pid, "delay_seconds": row.seconds} if row else {})
        time.sleep(PAUSES_SECONDS[min(self._times, len(PAUSES_SECONDS) - 1)])
        self._times += 1

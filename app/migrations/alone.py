"""On PostgreSQL a migration runs alone, and lets everybody pass who would have to wait behind it.

Changing a table needs it for a moment alone. While that is waited for, behind a dump or a forgotten transaction, every
other statement on the table waits, too. So it is waited for shortly, again and again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import TextClause, create_engine, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from app.db.database import CONNECTING, Database
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

_TRY = text("SELECT pg_try_advisory_lock(:lock)")
_HOLDER = text(
    "SELECT pid, application_name, extract(epoch FROM clock_timestamp() - query_start)::int AS seconds"
    " FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND classid = 0 AND objid = :lock AND granted AND database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid() LIMIT 1"
)
_OLDEST = text(
    "SELECT pid, application_name, extract(epoch FROM clock_timestamp() - xact_start)::int AS seconds"
    " FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 1"
)

logger = get_logger(__name__)


def run_alone(database: Database, act: Callable[[Connection], None], is_done: Callable[[Connection], bool]) -> None:
    """Unless `is_done`, call `act`, again after each lock it did not get; it must then go on where it was.

    Raises `Unavailable`, which says who is in the way, when that takes too long.
    """
    given = {name: value for name, value in CONNECTING.items() if name not in database.url.query}
    options = f"-c timezone=UTC -c synchronous_commit=on -c lock_timeout={LOCK_SECONDS * 1000:.0f}"
    own = {"options": options, "application_name": "whatsapp-service migrate"}
    engine = create_engine(database.url, poolclass=NullPool, hide_parameters=True, connect_args=given | own)
    patience = _Patience(WAIT_SECONDS)
    with engine.connect() as connection:  # with which the lock ends
        if is_done(connection):
            return
        while not connection.execute(_TRY, {"lock": ADVISORY_LOCK}).scalar():
            patience.wait(connection, _HOLDER, "a dump or another migration runs; this one waits for it")
        connection.commit()
        while not _is_done(connection, act):
            patience.wait(connection, _OLDEST, "a long transaction holds a table; the migration lets others pass")


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

"""Connections to PostgreSQL: with the gateway's session settings, directly or through a pooler such as PgBouncer.

A pooler that lends a server connection for one transaction keeps no session: what one `SET` changes the next
transaction does not have, and a prepared statement may be another client's of the same name. PgBouncer up to 1.19
also refuses `options` at the start of a connection. So nothing is asked for at the start; a direct connection gets the
settings once, behind a pooler each transaction sets them for itself (one round trip more), and nothing is prepared.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection

from app.db import statement_timeout
from app.db.bounded_connection import CONNECT_SECONDS, connect, ping
from app.db.plain_connection import Executes, PlainConnection

LOCK_SECONDS = 2
IDLE_SECONDS = 5
"""A process that has been idle in an open transaction for this long is frozen; PostgreSQL ends it to free its locks."""

SESSION_SETTINGS = {
    "synchronous_commit": "on",
    "timezone": "UTC",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "lock_timeout": f"{LOCK_SECONDS}s",
    "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
}
"""Parallel queries and JIT are off: no query reads more than a few thousand rows and pages end early, so that starting
processes or compiling costs more than it saves, and PostgreSQL estimates wrongly where most of a list is never read.
Lock waits are short, so that a worker that is frozen while it holds a lock (a suspended machine, SIGSTOP) stops no
other. Transactions of operators' commands, without a statement timeout, are not limited: an audit may take long."""

_UNHURRIED = ("idle_in_transaction_session_timeout", "lock_timeout")

CONNECTING: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS, "keepalives": 1, "keepalives_idle": 5, "keepalives_interval": 2,
    "keepalives_count": 3, "tcp_user_timeout": 5000, "application_name": "whatsapp-service",
}  # fmt: skip
"""Timeouts after which a server that has vanished is given up, and our name in `pg_stat_activity`; values in
`DATABASE_URL` take precedence. Against a server that acknowledges packets and sends nothing only `BoundedConnection`
helps."""


def connecting(url: URL) -> dict[str, Any]:
    """Return the arguments for a new connection that `url` does not give itself."""
    return {name: value for name, value in CONNECTING.items() if name not in url.query}


def make_engine(url: URL, options: dict[str, Any], *, pings: bool) -> Engine:
    """Make an engine whose every wait is bounded.

    With `pings` idle connections are checked before they are used. An engine whose connections commit each statement by
    themselves gives a pooler's transactions no settings; see `alone`.
    """
    options["connect_args"] = connecting(url)
    engine = create_engine(url, **options, pool_pre_ping=pings)
    engine.dialect.do_ping = partial(ping, engine.dialect)  # type: ignore[method-assign]

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
        connection = connect(arguments, named)
        prepare_session(connection, SESSION_SETTINGS)
        return connection

    if options.get("isolation_level") != "AUTOCOMMIT":
        event.listen(engine, "begin", _begin)
    return engine


def prepare_session(connection: Any, settings: dict[str, str]) -> bool:
    """Put `settings` into force on a new psycopg connection, unless a pooler stands between; return whether one does.

    A pooler answers the start of a connection itself and makes up the number of the server process that comes with it.
    """
    was_autocommit, connection.autocommit = connection.autocommit, True
    is_direct = f"pg_backend_pid() = {connection.info.backend_pid:d}"
    sets = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in settings.items())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {is_direct}, CASE WHEN {is_direct} THEN ARRAY[{sets}] END")
        connection.is_pooled = not cursor.fetchone()[0]
    connection.autocommit = was_autocommit
    if connection.is_pooled:
        connection.prepare_threshold = None
    return bool(connection.is_pooled)


def is_pooled(connection: Connection) -> bool:
    """Return whether a pooler stands between this connection and the server, so that it has no session."""
    return bool(getattr(connection.connection.driver_connection, "is_pooled", False))


@contextmanager
def alone(connection: PlainConnection) -> Iterator[None]:
    """Let the body execute one statement on a connection that commits each by itself: one round trip.

    Behind a pooler the statement gets a transaction, which has the settings that a session would have.
    """
    if not connection.driver.is_pooled:
        yield
        return
    connection.exec_driver_sql("BEGIN")
    set_locally(connection, SESSION_SETTINGS)
    yield
    connection.exec_driver_sql("COMMIT")  # after an error of the body the pool of connections rolls back


def set_locally(connection: Executes, settings: dict[str, str]) -> None:
    """Set `settings` for the transaction that begins now, in one round trip."""
    connection.exec_driver_sql("; ".join(f"SET LOCAL {name} = '{value}'" for name, value in settings.items()))


def _begin(connection: Connection) -> None:
    unhurried = dict.fromkeys(_UNHURRIED, "0") if statement_timeout.current() is None else {}
    if settings := (SESSION_SETTINGS if is_pooled(connection) else {}) | unhurried:
        set_locally(connection, settings)

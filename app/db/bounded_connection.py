"""A connection to PostgreSQL on which every wait for the server has a timeout. Imports psycopg."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg.errors import QueryCanceled, _WaitTimeout

from app.db import statement_timeout

INTERVAL_SECONDS = 0.1
"""How often psycopg interrupts a wait; psycopg's own default."""

CONNECT_SECONDS = 3
"""How long a new connection may take, where `DATABASE_URL` says nothing else."""

FRESH_SECONDS = 0.5
"""A connection whose server answered within this time needs no ping: under load each transaction would have one."""


class NoAnswer(QueryCanceled):
    """The server's answer did not come in time; it is not known whether the statement was carried out."""


class BoundedConnection(psycopg.Connection[Any]):
    """Stops waiting for a statement when its time is over by our own clock, and then closes itself.

    Neither the server's `statement_timeout` nor TCP's own timeouts do that: a frozen server cancels nothing, and a
    suspended machine's kernel, or a proxy in between, acknowledges every packet. Works under gevent and in threads.
    """

    is_pooled = False
    """Whether a pooler lends us a server connection for each transaction, so that there is no session."""

    answered_at = -FRESH_SECONDS
    """When the server last answered, by `time.monotonic`."""

    def wait(self, gen: Any, interval: float = INTERVAL_SECONDS, timeout: float | None = None) -> Any:
        """Wait for the server. After the current statement timeout it closes the connection and raises `NoAnswer`."""
        bound = statement_timeout.current()
        if bound is not None:
            timeout = bound if timeout is None else min(bound, timeout)
        try:
            answer = super().wait(gen, interval, timeout)
        except _WaitTimeout as error:
            statement_timeout.spend(timeout or 0.0)
            self.pgconn.finish()
            raise NoAnswer("the server did not answer in time") from error
        self.answered_at = time.monotonic()
        return answer


def connect(arguments: list[Any], named: dict[str, Any]) -> BoundedConnection:
    """Open a connection. Raises `NoAnswer` at once where a request has too little time left for it."""
    left = statement_timeout.time_left()
    if left is not None and left < CONNECT_SECONDS:
        raise NoAnswer("no time is left for another connection")
    began = time.monotonic()
    try:
        return BoundedConnection.connect(*arguments, **named)
    except psycopg.Error:
        statement_timeout.spend(time.monotonic() - began)
        raise


def ping(dialect: Any, connection: Any) -> bool:
    """Check whether an idle connection still works, as SQLAlchemy's pools do, within `PING_SECONDS`.

    One that was in use until a moment ago is not asked.
    """
    if not connection.closed and time.monotonic() - connection.answered_at < FRESH_SECONDS:
        return True
    with statement_timeout.of(statement_timeout.PING_SECONDS):
        return bool(type(dialect).do_ping(dialect, connection))

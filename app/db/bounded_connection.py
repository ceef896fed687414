"""A connection to PostgreSQL on which no wait for the server goes on for ever. Imports psycopg."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.errors import QueryCanceled, _WaitTimeout

from app.db import statement_timeout

INTERVAL_SECONDS = 0.1
"""psycopg's own: how often a wait looks up."""


class NoAnswer(QueryCanceled):
    """The server's answer did not come in time; what became of the statement is not known."""


class BoundedConnection(psycopg.Connection[Any]):
    """Gives a statement up when its time is over, by our own clock, and closes itself, because it is of no use then.

    Neither the server's `statement_timeout` nor TCP's own timeouts do that: a frozen server cancels nothing, and a
    suspended machine's kernel, or a proxy in between, acknowledges every packet. Works under gevent and in threads.
    """

    def wait(self, gen: Any, interval: float = INTERVAL_SECONDS, timeout: float | None = None) -> Any:
        """Wait for the server. Raises `NoAnswer` after the bound of the moment, and is closed then."""
        bound = statement_timeout.current()
        if bound is not None:
            timeout = bound if timeout is None else min(bound, timeout)
        try:
            return super().wait(gen, interval, timeout)
        except _WaitTimeout as error:
            self.pgconn.finish()
            raise NoAnswer("the server did not answer in time") from error


def ping(dialect: Any, connection: Any) -> bool:
    """Ask whether an idle connection still is there, as SQLAlchemy's pools do, in less time than a statement has."""
    with statement_timeout.of(statement_timeout.PING_SECONDS):
        return bool(type(dialect).do_ping(dialect, connection))

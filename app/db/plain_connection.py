"""Connections without SQLAlchemy's work for each statement, for the one path that every webhook takes.

A batch of webhooks is a statement or two; SQLAlchemy's own part of them would be a third of a batch's CPU time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Protocol

from sqlalchemy import Engine
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection


class Executes(Protocol):
    """What runs a statement in the driver's own words: a `PlainConnection`, or a connection of SQLAlchemy's."""

    @property
    def dialect(self) -> Dialect:
        """The database's dialect."""

    def exec_driver_sql(self, statement: str, parameters: Any = None, /) -> Any:
        """Execute a statement, once for each tuple in a list of parameters."""


class PlainConnection:
    """A connection out of a pool. It raises errors as SQLAlchemy does, so they are understood like all others."""

    def __init__(self, pooled: PoolProxiedConnection, dialect: Dialect) -> None:
        self._pooled = pooled
        self._dialect = dialect
        self.driver: Any = pooled.driver_connection
        """The driver's connection."""

    @property
    def dialect(self) -> Dialect:
        """The database's dialect."""
        return self._dialect

    def exec_driver_sql(self, statement: str, parameters: Any = None, /) -> Any:
        """Execute a statement, once for each tuple in a list of parameters; return the driver's cursor."""
        try:
            cursor = self.driver.cursor()
            if isinstance(parameters, list):
                cursor.executemany(statement, parameters)
            elif parameters is None:
                cursor.execute(statement)
            else:
                cursor.execute(statement, parameters)
            return cursor
        except self._dialect.loaded_dbapi.Error as error:
            raised = _wrapped(error, self._dialect, statement, self.driver)
            if raised.connection_invalidated:
                self._pooled.invalidate(error)
            raise raised from error
        except BaseException as error:  # a greenlet that is ended leaves an answer behind that nobody has read
            if not isinstance(error, Exception):
                self._pooled.invalidate(error)
            raise


@contextmanager
def plain_connection(engine: Engine) -> Iterator[PlainConnection]:
    """Take a connection out of an engine's pool; what was not committed is rolled back after the body."""
    try:
        pooled = engine.raw_connection()
    except engine.dialect.loaded_dbapi.Error as error:
        raise _wrapped(error, engine.dialect) from error
    with closing(pooled):
        yield PlainConnection(pooled, engine.dialect)


def _wrapped(error: Exception, dialect: Dialect, statement: str | None = None, driver: Any = None) -> DBAPIError:
    """Return SQLAlchemy's error for one of the driver's. It shows no values."""
    is_lost = dialect.is_disconnect(error, driver, None)  # type: ignore[arg-type]
    found = DBAPIError.instance(
        statement, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, connection_invalidated=is_lost,
        dialect=dialect,
    )  # fmt: skip
    assert isinstance(found, DBAPIError)
    return found

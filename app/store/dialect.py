"""Statements that SQLAlchemy's dialects build differently: INSERT … ON CONFLICT, and statements over many rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, CursorResult, String, Text, any_, bindparam, false, func, insert, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from app.models import Base
from app.models.base import table


def one_of(column: Any, values: Sequence[str]) -> ColumnElement[bool]:
    """Return `column IN values` as ORs, because SQLAlchemy does not expand lists in an executemany."""
    return or_(false(), *(column == value for value in values))


def insert_new(session: Session, model: type[Base]) -> Any:
    """Return an INSERT that skips rows whose unique key exists. `.returning(…)` then gives the inserted rows only."""
    return insert_or_update(session, model).on_conflict_do_nothing()


def insert_or_update(session: Session, model: type[Base]) -> Any:
    """Return an INSERT of the dialect, which has `.on_conflict_do_update(…)` for rows whose unique key exists."""
    name = session.get_bind().dialect.name
    return (postgresql if name == "postgresql" else sqlite).insert(table(model))


def built_once(build: Callable[[Any], Any]) -> Callable[[Session], Any]:
    """Build an INSERT once per dialect, because building it at each call is slow on frequent paths.

    `build` gets the dialect's `insert` function. The returned function gives the statement for a session.
    """
    built = {"postgresql": build(postgresql.insert), "sqlite": build(sqlite.insert)}
    return lambda session: built[session.get_bind().dialect.name]


Among = Callable[[ColumnElement[Any], str], ColumnElement[bool]]


def with_lists(build: Callable[[Among], Any]) -> Callable[[Session], Any]:
    """Build a statement with list parameters once per dialect. `build` gets a function that returns `column IN :name`.

    PostgreSQL gets each list as one array, because an expanded list makes a new statement to plan for each length.
    SQLite gets expanded lists: it could read a list from JSON only, where a text ends at a NUL.
    """
    built = {
        "postgresql": build(lambda column, name: column == any_(bindparam(name, type_=ARRAY(_element(column))))),
        "sqlite": build(lambda column, name: column.in_(bindparam(name, expanding=True))),
    }
    return lambda session: built[session.get_bind().dialect.name]


def _element(column: ColumnElement[Any]) -> TypeEngine[Any]:
    """Return the type of a list's elements: PostgreSQL needs the exact number type, but one text type for all texts."""
    return Text() if isinstance(column.type, String) else column.type


def insert_and_count(session: Session, statement: Any, rows: Sequence[dict[str, Any]]) -> int:
    """Execute an INSERT that skips rows whose unique key exists; return the number of inserted rows."""
    result = session.execute(statement, rows, execution_options={"preserve_rowcount": True})
    assert isinstance(result, CursorResult)
    return result.rowcount


class InsertMany:
    """An INSERT of some columns of a table, for the one path where SQLAlchemy's work per row costs more than the write.

    On SQLite the values are converted by the columns' types and given to the driver directly. On PostgreSQL SQLAlchemy
    executes the statement, because it uses the driver's own means to write many rows.
    """

    def __init__(self, model: type[Base], *columns: str) -> None:
        self._table = table(model)
        self._columns = columns
        self._statement = insert(self._table)
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        self._sqlite = f"INSERT INTO {self._table.name} ({names}) VALUES ({marks})"
        dialect = sqlite.dialect()
        converters = (self._table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in columns)
        self._converters = [(place, convert) for place, convert in enumerate(converters) if convert is not None]

    def __call__(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows; each is a tuple of values in the order of the columns."""
        if connection.dialect.name != "sqlite":
            connection.execute(self._statement, [dict(zip(self._columns, row, strict=True)) for row in rows])
            return
        converted = [list(row) for row in rows]
        for row in converted:
            for place, convert in self._converters:
                row[place] = convert(row[place])
        connection.exec_driver_sql(self._sqlite, [tuple(row) for row in converted])


def add_up(
    session: Session, model: type[Base], key: Sequence[str], sums: Sequence[str], largest: Sequence[str] = ()
) -> Any:
    """Return an INSERT of counters. Where a row's `key` exists, it adds the `sums` and keeps the larger `largest`."""
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    target = table(model)
    statement = (postgresql if is_postgresql else sqlite).insert(target)
    larger = func.greatest if is_postgresql else func.max
    added = {name: target.c[name] + statement.excluded[name] for name in sums}
    kept = {name: larger(target.c[name], statement.excluded[name]) for name in largest}
    return statement.on_conflict_do_update(index_elements=list(key), set_=added | kept)

"""What SQLAlchemy has no common word for: an INSERT of what is not there yet, and statements over many rows."""

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
    """`column IN values`, in a form that a statement over many rows may hold: SQLAlchemy expands no list there."""
    return or_(false(), *(column == value for value in values))


def insert_new(session: Session, model: type[Base]) -> Any:
    """An INSERT that skips rows whose unique key is taken. With `.returning(…)` it tells which were new."""
    return insert_or_update(session, model).on_conflict_do_nothing()


def insert_or_update(session: Session, model: type[Base]) -> Any:
    """An INSERT that can be told, by `.on_conflict_do_update(…)`, what to do where a unique key is taken."""
    name = session.get_bind().dialect.name
    return (postgresql if name == "postgresql" else sqlite).insert(table(model))


def built_once(build: Callable[[Any], Any]) -> Callable[[Session], Any]:
    """A statement for paths where building it each time would count. `build` is given the dialect's `insert`."""
    built = {"postgresql": build(postgresql.insert), "sqlite": build(sqlite.insert)}
    return lambda session: built[session.get_bind().dialect.name]


Among = Callable[[ColumnElement[Any], str], ColumnElement[bool]]


def with_lists(build: Callable[[Among], Any]) -> Callable[[Session], Any]:
    """A statement that is made once and executed with lists. `build` is given what says `column IN :name`.

    PostgreSQL gets a list as one array: expanded, the statement would be a new one to plan for each length. SQLite has
    lists in JSON alone, where a text ends at a NUL.
    """
    built = {
        "postgresql": build(lambda column, name: column == any_(bindparam(name, type_=ARRAY(_element(column))))),
        "sqlite": build(lambda column, name: column.in_(bindparam(name, expanding=True))),
    }
    return lambda session: built[session.get_bind().dialect.name]


def _element(column: ColumnElement[Any]) -> TypeEngine[Any]:
    """The type of a list's elements: all texts are the same to PostgreSQL, numbers are not."""
    return Text() if isinstance(column.type, String) else column.type


def insert_and_count(session: Session, statement: Any, rows: Sequence[dict[str, Any]]) -> int:
    """Execute an INSERT that skips rows whose unique key is taken; return how many rows were new."""
    result = session.execute(statement, rows, execution_options={"preserve_rowcount": True})
    assert isinstance(result, CursorResult)
    return result.rowcount


class InsertMany:
    """An INSERT of these columns of a table, for the one path where bookkeeping a row would cost more than writing it.

    SQLite takes the values as the columns' types convert them, without SQLAlchemy in between; PostgreSQL's driver has
    ways of its own to write many rows, which SQLAlchemy knows.
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
        """Insert rows, each with its values in the order of the columns."""
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
    """An INSERT of counters that adds to those whose `key` is there, and keeps the larger of each of `largest`."""
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    target = table(model)
    statement = (postgresql if is_postgresql else sqlite).insert(target)
    larger = func.greatest if is_postgresql else func.max
    added = {name: target.c[name] + statement.excluded[name] for name in sums}
    kept = {name: larger(target.c[name], statement.excluded[name]) for name in largest}
    return statement.on_conflict_do_update(index_elements=list(key), set_=added | kept)

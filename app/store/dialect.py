"""Statements that SQLAlchemy's dialects build differently: INSERT … ON CONFLICT, and statements over many rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CursorResult,
    Integer,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
    any_,
    bindparam,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from app.db.plain_connection import Executes
from app.models import Base
from app.models.base import table

_POSTGRESQL = PGDialect_psycopg()  # type: ignore[no-untyped-call]


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
    SQLite gets a list of numbers as one JSON text, and a list of texts expanded: in JSON a text would end at a NUL.
    """
    built = {
        "postgresql": build(lambda column, name: column == any_(bindparam(name, type_=ARRAY(_element(column))))),
        "sqlite": build(_among_on_sqlite),
    }
    return lambda session: built[session.get_bind().dialect.name]


class _Numbers(TypeDecorator[Collection[int]]):
    """A list of numbers as JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Collection[int] | None, dialect: Any) -> str:
        return f"[{','.join(map(str, value or ()))}]"


def _among_on_sqlite(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    if not isinstance(column.type, Integer):
        return column.in_(bindparam(name, expanding=True))
    each = func.json_each(bindparam(name, type_=_Numbers)).table_valued("value", name=f"given_{name}")
    return column.in_(select(each.c.value))


def _element(column: ColumnElement[Any]) -> TypeEngine[Any]:
    """Return the type of a list's elements: PostgreSQL needs the exact number type, but one text type for all texts."""
    return Text() if isinstance(column.type, String) else column.type


def insert_and_count(session: Session, statement: Any, rows: Sequence[dict[str, Any]]) -> int:
    """Execute an INSERT that skips rows whose unique key exists; return the number of inserted rows."""
    result = session.execute(statement, rows, execution_options={"preserve_rowcount": True})
    assert isinstance(result, CursorResult)
    return result.rowcount


class InsertMany:
    """An INSERT of some columns of a table, for paths where SQLAlchemy's work per row costs more than the write.

    The values are converted by the columns' types and given to the driver directly: to SQLite row by row, to PostgreSQL
    as one array for each column, so that any number of rows is one statement, planned once, and one round trip.
    """

    def __init__(self, model: type[Base], *columns: str) -> None:
        target = table(model)
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        self._sqlite = f"INSERT INTO {target.name} ({names}) VALUES ({marks})"
        arrays = ", ".join(_array(target.c[name]) for name in columns)
        # The order is kept, because serial numbers must follow it.
        self._postgresql = (
            f"INSERT INTO {target.name} ({names}) SELECT {names} FROM unnest({arrays})"
            f" WITH ORDINALITY AS given ({names}, place) ORDER BY place"
        )
        self._converters = {
            dialect.name: [
                (place, convert)
                for place, name in enumerate(columns)
                if (convert := target.c[name].type.dialect_impl(dialect).bind_processor(dialect)) is not None
            ]
            for dialect in (sqlite.dialect(), _POSTGRESQL)
        }

    def __call__(self, connection: Executes, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows; each is a tuple of values in the order of the columns."""
        name = connection.dialect.name
        converted = [list(row) for row in rows]
        for row in converted:
            for place, convert in self._converters[name]:
                row[place] = convert(row[place])
        if name == "postgresql":
            connection.exec_driver_sql(self._postgresql, tuple(map(list, zip(*converted, strict=True))))
        else:
            connection.exec_driver_sql(self._sqlite, [tuple(row) for row in converted])


def _array(column: ColumnElement[Any]) -> str:
    """Return the placeholder of an array for a column: bytes in the binary format, because text would double them.

    Texts are an array without a length: a cast to `varchar(n)` would cut a longer one silently.
    """
    mark = "%b" if isinstance(column.type, LargeBinary) else "%s"
    return f"{mark}::{_element(column).compile(dialect=_POSTGRESQL)}[]"


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

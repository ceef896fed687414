"""INSERT and UPDATE of many rows in the driver's own words, for paths that every webhook takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import JSON, ColumnElement, LargeBinary, Table, Text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.types import TypeEngine

from app.db.plain_connection import Executes
from app.models import Base
from app.models.base import UtcDateTime, table
from app.store.dialect import array_text, element_type

_POSTGRESQL = PGDialect_psycopg()  # type: ignore[no-untyped-call]


class _Many:
    """A statement for many rows, for paths where SQLAlchemy's work per row costs more than the write.

    The values are converted by the columns' types and given to the driver directly: to SQLite row by row, to PostgreSQL
    as one array for each column, so that any number of rows is one statement, planned once, and one round trip.
    """

    def __init__(self, columns: Sequence[ColumnElement[Any]], texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._to_sqlite = [
            (place, convert)
            for place, column in enumerate(columns)
            if (convert := _sqlite_converter(column.type)) is not None
        ]
        self._to_array = [_array_converter(column.type) for column in columns]

    def __call__(self, connection: Executes, rows: Sequence[tuple[Any, ...]]) -> int:
        """Execute it for rows, each a tuple of values in the order of the columns; return how many rows it changed."""
        if connection.dialect.name == "postgresql":
            values = zip(*rows, strict=True)
            arrays = tuple(to_array(some) for to_array, some in zip(self._to_array, values, strict=True))
            return int(connection.exec_driver_sql(self._texts["postgresql"], arrays).rowcount)
        converted = [list(row) for row in rows]
        for place, convert in self._to_sqlite:
            for row in converted:
                row[place] = convert(row[place])
        given = [tuple(row) for row in converted]
        return int(connection.exec_driver_sql(self._texts["sqlite"], given).rowcount)


class InsertMany(_Many):
    """An INSERT of some columns of a table. `or_else` adds what is done about rows whose unique key exists."""

    def __init__(self, model: type[Base], *columns: str, or_else: Callable[[Any], Any] | None = None) -> None:
        target = table(model)
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        shown = ", ".join(_from_array(target.c[name]) for name in columns)
        texts = {
            "sqlite": f"INSERT INTO {target.name} ({names}) VALUES ({marks})",
            # The order is kept, because serial numbers must follow it.
            "postgresql": f"INSERT INTO {target.name} ({names}) SELECT {shown}"
            f" FROM {_given(target, dict(zip(columns, columns, strict=True)))} ORDER BY place",
        }
        for dialect, insert in ((sqlite.dialect(), sqlite.insert), (_POSTGRESQL, postgresql.insert)):
            if or_else is not None:
                whole = str(or_else(insert(target)).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
                texts[dialect.name] += " " + whole[whole.index("ON CONFLICT") :]
        super().__init__([target.c[name] for name in columns], texts)
        self._values = itemgetter(*columns)

    def of_mappings(self, connection: Executes, rows: Iterable[Mapping[str, Any]]) -> int:
        """Execute it for rows by the names of the columns, of which there are two or more; other names do not count."""
        return self(connection, [self._values(row) for row in rows])


class UpdateMany(_Many):
    """An UPDATE of rows, each with values of its own.

    `given` names the values of a row, each with the column that has its type; in the text, `{name}` stands for one.
    """

    def __init__(self, model: type[Base], given: Mapping[str, str], text: str, where: str) -> None:
        target = table(model)
        marks = {name: f"?{place}" for place, name in enumerate(given, 1)}
        places = {name: f"given.{_from_array(target.c[column], name)}" for name, column in given.items()}
        start = f"UPDATE {target.name} SET {text}"
        super().__init__([target.c[column] for column in given.values()], {
            "sqlite": f"{start} WHERE {where}".format(**marks),
            "postgresql": f"{start} FROM {_given(target, given)} WHERE {where}".format(**places),
        })  # fmt: skip


def _given(target: Table, columns: Mapping[str, str]) -> str:
    arrays = ", ".join(_array(target.c[column]) for column in columns.values())
    return f"unnest({arrays}) WITH ORDINALITY AS given ({', '.join(columns)}, place)"


def _sqlite_converter(type_: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    dialect = sqlite.dialect()
    return _as_json if isinstance(type_, JSON) else type_.dialect_impl(dialect).bind_processor(dialect)


def _array_converter(type_: TypeEngine[Any]) -> Callable[[Iterable[Any]], Any]:
    if isinstance(type_, LargeBinary):
        return list
    if isinstance(type_, JSON):
        return lambda values: array_text(map(_as_json, values))
    as_text: Callable[[Any], str] = as_moment if isinstance(type_, UtcDateTime) else str
    return lambda values: array_text(None if each is None else as_text(each) for each in values)


def as_moment(value: datetime) -> str:
    """Return an aware time as PostgreSQL reads it. Raises `TypeError` for a naive one."""
    if value.tzinfo is None:
        raise TypeError("a time without a time zone")
    return value.isoformat()


def _as_json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def _from_array(column: ColumnElement[Any], name: str = "") -> str:
    """Return what takes a value out of its array: JSON and words come as text."""
    name = name or str(column.name)
    if isinstance(column.type.dialect_impl(_POSTGRESQL), postgresql.TSVECTOR):
        return f"{name}::tsvector"
    return f"{name}::jsonb" if isinstance(column.type, JSON) else name


def _array(column: ColumnElement[Any]) -> str:
    """Return the placeholder of an array for a column: bytes in the binary format, because text would double them.

    Texts are an array without a length: a cast to `varchar(n)` would cut a longer one silently.
    """
    mark = "%b" if isinstance(column.type, LargeBinary) else "%s"
    type_ = Text() if isinstance(column.type, JSON) else element_type(column)
    return f"{mark}::{type_.compile(dialect=_POSTGRESQL)}[]"

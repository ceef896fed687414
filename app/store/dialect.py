"""Statements that SQLAlchemy's dialects build differently: INSERT … ON CONFLICT, and statements over many rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    ColumnElement,
    CursorResult,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    TypeDecorator,
    any_,
    bindparam,
    false,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine, UserDefinedType

from app.db.plain_connection import Executes
from app.models import Base
from app.models.base import UtcDateTime, table

_ESCAPE = "\x02"
_as_texts = json.JSONEncoder(ensure_ascii=False).encode
_SLASH, _TWO, _QUOTE = "\\", "\\\\", '"'
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

    PostgreSQL gets each list as one array, SQLite as one JSON text, because an expanded list makes a new statement to
    compile and to plan for each length.
    """
    built = {
        "postgresql": build(_among_on_postgresql),
        "sqlite": build(_among_on_sqlite),
    }
    return lambda session: built[session.get_bind().dialect.name]


class _Numbers(TypeDecorator[Collection[int]]):
    """A list of numbers as JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Collection[int] | None, dialect: Any) -> str:
        return f"[{','.join(map(str, value or ()))}]"


class _Array(UserDefinedType[Collection[Any]]):
    """A list of texts or numbers as the text of an array, which is the parameter's own type for PostgreSQL.

    With a cast from a text to an array, each row would be compared with one element after the other, not with a hash of
    all: only an array that is a constant of the plan gets one.
    """

    cache_ok = True
    render_bind_cast = True

    def __init__(self, element: str) -> None:
        self.element = element

    def get_col_spec(self, **_: Any) -> str:
        return f"{self.element}[]"

    def bind_processor(self, dialect: Any) -> Callable[[Collection[Any] | None], str]:
        return lambda value: array_text(map(str, value or ()))


def _among_on_postgresql(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    element = "BIGINT" if isinstance(column.type, Integer) else "TEXT"
    return column == any_(type_coerce(bindparam(name, type_=_Array(element)), ARRAY(_element(column))))


def array_text(elements: Iterable[str | None]) -> str:
    """Return an array as PostgreSQL reads it. psycopg takes ten times as long, a call of Python for each element."""
    quoted = (
        "NULL" if each is None else f'"{each.replace(_SLASH, _TWO).replace(_QUOTE, _SLASH + _QUOTE)}"'
        for each in elements
    )  # fmt: skip
    return f"{{{','.join(quoted)}}}"


class _Texts(TypeDecorator[Collection[str]]):
    """A list of texts as JSON, in which SQLite would end a text at a NUL: `_ESCAPE` stands for it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Collection[str] | None, dialect: Any) -> str:
        escaped = [each.replace(_ESCAPE, _ESCAPE + "1").replace("\0", _ESCAPE + "0") for each in value or ()]
        return _as_texts(escaped)


def _among_on_sqlite(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    are_numbers = isinstance(column.type, Integer)
    given = bindparam(name, type_=_Numbers if are_numbers else _Texts)
    each = func.json_each(given).table_valued("value", name=f"given_{name}")
    return column.in_(select(each.c.value if are_numbers else _unescaped(each.c.value)))


def _unescaped(value: Any) -> Any:
    with_nuls = func.replace(value, literal_column("char(2, 48)"), literal_column("char(0)"))
    return func.replace(with_nuls, literal_column("char(2, 49)"), literal_column("char(2)"))


def _element(column: ColumnElement[Any]) -> TypeEngine[Any]:
    """Return the type of a list's elements: PostgreSQL needs the exact number type, but one text type for all texts."""
    return Text() if isinstance(column.type, String) else column.type


def insert_and_count(session: Session, statement: Any, rows: Sequence[dict[str, Any]]) -> int:
    """Execute an INSERT that skips rows whose unique key exists; return the number of inserted rows."""
    result = session.execute(statement, rows, execution_options={"preserve_rowcount": True})
    assert isinstance(result, CursorResult)
    return result.rowcount


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
    """Return what takes a value out of its array: JSON comes as text."""
    name = name or str(column.name)
    return f"{name}::jsonb" if isinstance(column.type, JSON) else name


def _array(column: ColumnElement[Any]) -> str:
    """Return the placeholder of an array for a column: bytes in the binary format, because text would double them.

    Texts are an array without a length: a cast to `varchar(n)` would cut a longer one silently.
    """
    mark = "%b" if isinstance(column.type, LargeBinary) else "%s"
    type_ = Text() if isinstance(column.type, JSON) else _element(column)
    return f"{mark}::{type_.compile(dialect=_POSTGRESQL)}[]"


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

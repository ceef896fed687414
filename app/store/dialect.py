"""Statements that SQLAlchemy's dialects build differently: INSERT … ON CONFLICT, and those with lists of values."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CursorResult,
    Integer,
    String,
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
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine, UserDefinedType

from app.models import Base
from app.models.base import table

_ESCAPE = "\x02"
_as_texts = json.JSONEncoder(ensure_ascii=False).encode
_SLASH, _TWO, _QUOTE = "\\", "\\\\", '"'


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
    return column == any_(type_coerce(bindparam(name, type_=_Array(element)), ARRAY(element_type(column))))


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


def element_type(column: ColumnElement[Any]) -> TypeEngine[Any]:
    """Return the type of a list's elements: PostgreSQL needs the exact number type, but one text type for all texts."""
    return Text() if isinstance(column.type, String) else column.type


def insert_and_count(session: Session, statement: Any, rows: Sequence[dict[str, Any]]) -> int:
    """Execute an INSERT that skips rows whose unique key exists; return the number of inserted rows."""
    result = session.execute(statement, rows, execution_options={"preserve_rowcount": True})
    assert isinstance(result, CursorResult)
    return result.rowcount


def adding_up(key: Sequence[str], sums: Sequence[str], largest: Sequence[str] = ()) -> Callable[[Any], Any]:
    """Return a function that makes a dialect's INSERT one of counters.

    Where a row's `key` exists, it adds the `sums` and keeps the larger `largest`.
    """

    def add_up(insert: Any) -> Any:
        target = insert.table
        larger = func.greatest if isinstance(insert, postgresql.Insert) else func.max
        added = {name: target.c[name] + insert.excluded[name] for name in sums}
        kept = {name: larger(target.c[name], insert.excluded[name]) for name in largest}
        return insert.on_conflict_do_update(index_elements=list(key), set_=added | kept)

    return add_up

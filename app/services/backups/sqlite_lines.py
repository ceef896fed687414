"""Rows of SQLite as lines of CSV, as PostgreSQL's COPY reads them.

SQLite itself writes each line, in one expression, so that Python touches a row once: a row takes microseconds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Boolean, Column, Double, Float, LargeBinary, Table

from app.models.base import UtcDateTime
from app.models.search import MessageDocument

PORTION = 20_000
"""Rows of one COPY, and of one transaction."""


class Lines(NamedTuple):
    """Some rows: the rowid of the last, their number, and one line for each."""

    place: int
    rows: int
    data: bytes


def read(connection: sqlite3.Connection, table: Table, after: int) -> Iterator[Lines]:
    """Yield the rows of a table behind a rowid, in portions, in the order of rowids."""
    line = " || ',' || ".join(_field(column) for column in table.columns)
    # The expressions hold names of our own tables and columns only.
    query = f'SELECT rowid, {line} FROM "{table.name}" WHERE rowid > ? ORDER BY rowid LIMIT {PORTION}'
    while rows := connection.execute(query, (after,)).fetchall():
        after = rows[-1][0]
        yield Lines(after, len(rows), "\n".join([row[1] for row in rows]).encode() + b"\n")


def _field(column: Column[object]) -> str:
    """Return an expression of SQL for the field of a line; empty without quotes is NULL."""
    name = f'"{column.name}"'
    kind = column.type
    if isinstance(kind, UtcDateTime):
        rest = f"(({name} % 1000000) + 1000000) % 1000000"
        seconds = f"({name} - {rest}) / 1000000"
        written = f"strftime('%Y-%m-%d %H:%M:%S', {seconds}, 'unixepoch') || printf('.%06d+00', {rest})"
    elif isinstance(kind, LargeBinary):
        written = f"'\"\\x' || hex({name}) || '\"'"
    elif isinstance(kind, Double | Float):
        written = f"printf('%!.17g', {name})"
    elif isinstance(kind, Boolean) or kind.python_type is int:
        written = f"CAST({name} AS TEXT)"
    else:
        if column.table.name == MessageDocument.__tablename__ and column.name == "words":
            name = _lexemes(name)
        written = f"'\"' || replace({name}, '\"', '\"\"') || '\"'"
    return f"coalesce({written}, '')"


def _lexemes(name: str) -> str:
    """Return an expression for words separated by spaces in the form that `tsvector` reads."""
    quoted = f"replace(replace({name}, '\\', '\\\\'), '''', '''''')"
    return f"CASE {name} WHEN '' THEN '' ELSE '''' || replace({quoted}, ' ', ''' ''') || '''' END"

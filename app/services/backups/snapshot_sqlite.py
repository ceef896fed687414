"""A consistent copy of a SQLite database in use."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from app.errors import Unavailable

TELLING = frozenset({"notifications", "messages", "contacts", "events", "numbers", "api_keys", "people"})
"""Tables of which a row means that a database is in use. Others have rows as soon as the gateway was started once."""

STEPS = 20_000
"""SQLite's instructions between two reports of progress."""


def take(source: Path, target: Path, progress: Callable[[int, int], None]) -> dict[str, int]:
    """Copy the database into a new file, and return its number of rows by table.

    `VACUUM INTO` reads one state, waits for nobody and lets others write; the copy has no free pages, so nothing that
    was deleted. The backup API in steps begins anew with each write, and never ends beside a steady writer. `progress`
    gets the bytes written so far, and how many there will be at most. Raises `Unavailable`.
    """
    try:
        with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
            pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))

            def report() -> None:
                progress(target.stat().st_size if target.exists() else 0, pages * size)

            connection.set_progress_handler(report, STEPS)
            connection.execute("VACUUM INTO ?", (str(target),))
        return check(target)
    except sqlite3.Error as error:
        raise Unavailable(reason=f"the database cannot be copied: {type(error).__name__}") from error


def check(path: Path) -> dict[str, int]:
    """Return the number of rows by table of a whole, undamaged database. Raises `Unavailable`, `sqlite3.Error`."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise Unavailable(reason="the copy of the database is damaged")
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            " AND sql NOT LIKE 'CREATE VIRTUAL%' AND name NOT LIKE 'search_index%' ORDER BY name"
        )
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in names}


def is_empty(path: Path) -> bool:
    """Whether a database holds nothing that anybody would miss. One that cannot be read is not empty."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            return not any(
                connection.execute(f'SELECT EXISTS (SELECT 1 FROM "{name}")').fetchone()[0] for name in TELLING & names
            )
    except sqlite3.Error:
        return False


def revision(path: Path) -> str | None:
    """Return the revision of a copy's schema; None if it has none."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.Error:
            return None
    return str(row[0]) if row else None

"""Databases with every migration behind them: made once for a process, and copied for whoever wants one."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from threading import Lock

from app import migrations
from app.db.database import Database
from tests.load.postgres import own_database
from tests.volatile import folder_in_memory


def migrated_sqlite() -> Path:
    """A migrated SQLite file without a row, to be copied."""
    with _lock:
        return _sqlite_template()


@contextmanager
def migrated_postgres() -> Iterator[str]:
    """The URL of a migrated PostgreSQL database without a row: a copy, gone afterwards. Raises `NoPostgres`."""
    with _lock:
        template = _postgres_template()
    with own_database(template=template) as url:
        yield url


def throw_away() -> None:
    """Remove what was made to be copied."""
    _made.close()


@cache
def _sqlite_template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="gateway-template-", dir=folder_in_memory()))
    _made.callback(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


@cache
def _postgres_template() -> str:
    url = _made.enter_context(own_database())
    _migrate(url)
    return url.rpartition("/")[2]


def _migrate(url: str) -> None:
    database = Database(url)
    migrations.upgrade(database)
    database.dispose()


_lock = Lock()
_made = ExitStack()
atexit.register(throw_away)

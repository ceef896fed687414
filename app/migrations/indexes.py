"""For migrations: make and remove indexes of tables that are in use, while others read and write them.

PostgreSQL does it outside of a transaction, so nothing that was done before can be undone with it: a migration that
calls these does nothing else. One that was cut short is done again from its beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

_IS_WHOLE = sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")


def create_index(name: str, table: str, columns: Sequence[str], *, unique: bool = False, where: str = "") -> None:
    """Make an index. On PostgreSQL it waits for every transaction that began before, and holds nobody up meanwhile."""
    condition = sa.text(where) if where else None
    if op.get_context().dialect.name != "postgresql":
        op.create_index(name, table, list(columns), unique=unique, sqlite_where=condition)
        return
    with _outside():
        is_whole = op.get_bind().execute(_IS_WHOLE, {"name": name}).scalar()
        if is_whole:
            return
        if is_whole is not None:  # what is left of a try that was cut short
            op.drop_index(name, table, postgresql_concurrently=True)
        op.create_index(
            name, table, list(columns), unique=unique, postgresql_where=condition, postgresql_concurrently=True
        )


def drop_index(name: str, table: str) -> None:
    """Remove an index, in the same manner."""
    if op.get_context().dialect.name != "postgresql":
        op.drop_index(name, table)
        return
    with _outside():
        op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)


@contextmanager
def _outside() -> Iterator[None]:
    """Outside of a transaction. What waits here is in nobody's way, and may wait for as long as a dump takes.

    The limit for what follows is put back by its value: `RESET` would take the server's, which knows none. Behind a
    pooler each transaction sets it for itself, and what a session sets would be another client's.
    """
    from app.db.postgresql import is_pooled  # here, so that a gateway on SQLite runs without psycopg

    with op.get_context().autocommit_block():
        bind = op.get_bind()
        if is_pooled(bind):
            yield
            return
        limit = bind.exec_driver_sql("SHOW lock_timeout").scalar()
        op.execute("SET lock_timeout = 0")
        try:
            yield
        finally:
            op.execute(f"SET lock_timeout = '{limit}'")

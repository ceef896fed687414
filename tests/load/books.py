"""What a gateway really kept, read from its database, and whether its own books balance."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from app.db.database import Database
from app.services.operations.audit import audit_balance
from tests.load.gateway import Gateway


class Books:
    """Reads one gateway's database; only looks, and keeps no connection between looks."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        url = make_url(gateway.database_url)
        self._url = url.set(drivername="postgresql+psycopg") if url.drivername.startswith("postgres") else url
        self._engine: Engine = create_engine(self._url, poolclass=NullPool)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            yield connection

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of one SELECT."""
        with self._connection() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def count(self, table: str, where: str = "1=1") -> int:
        """How many rows of a table."""
        return int(self.rows(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])

    def messages(self) -> Counter[str]:
        """The wamids of inbound messages, each as often as it was kept."""
        return Counter(row[0] for row in self.rows("SELECT wamid FROM messages WHERE direction = 'inbound'"))

    def statuses(self) -> Counter[tuple[str, str]]:
        """The (wamid, status) of reports, each as often as it was kept."""
        return Counter((row[0], row[1]) for row in self.rows("SELECT wamid, status FROM status_reports"))

    def events(self) -> Counter[str]:
        """How many events of each type."""
        return Counter(dict(self.rows("SELECT type, count(*) FROM events GROUP BY type")))

    def bodies(self) -> Counter[bytes]:
        """Every notification's bytes, each as often as it was kept."""
        return Counter(bytes(row[0]) for row in self.rows("SELECT raw FROM notifications"))

    def wait_settled(self, seconds: float = 300.0) -> None:
        """Return once no notification is pending; AssertionError after `seconds`."""
        until = time.monotonic() + seconds
        pending = -1
        while time.monotonic() < until:
            try:
                pending = self.count("notifications", "state = 'pending'")
            except OperationalError:
                pending = -1  # the drill may have taken the database away a moment ago
            if pending == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"{pending} notifications still pending; {self.gateway.tail()}")

    def assert_balanced(self) -> None:
        """What `audit balance` says of this database: the books must be in balance."""
        database = Database(self.gateway.database_url)
        try:
            balance = audit_balance(database)
        finally:
            database.dispose()
        assert balance.is_clean, balance.problems

    def assert_sound(self) -> None:
        """SQLite's own check of the file; nothing to ask of PostgreSQL, which checks itself."""
        if self._url.get_backend_name() == "sqlite":
            assert self.rows("PRAGMA integrity_check") == [("ok",)]

"""What a migration does to tables that are in use: how long others would have to wait for it, read from its SQL.

Each migration's `upgrade` is run for PostgreSQL without a database, and its statements are matched with what stops
readers or writers for longer than a moment, or what an earlier release cannot live with.
"""

from __future__ import annotations

import importlib.util
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

RULES = {
    "plain index": (r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY).*? ON (?P<table>\w+)", False),
    "plain drop of an index": (r"DROP INDEX (?!CONCURRENTLY)", False),
    "new column that must be filled": (r"ALTER TABLE (?P<table>\w+) ADD COLUMN (?!.*DEFAULT).*NOT NULL", False),
    "new column computed for each row": (
        r"ALTER TABLE (?P<table>\w+) ADD COLUMN .*(DEFAULT [^,]*\(|GENERATED|SERIAL|REFERENCES|UNIQUE)", False
    ),
    "type of a column": (r"ALTER TABLE (?P<table>\w+) ALTER COLUMN \w+ (SET DATA )?TYPE", True),
    "existing column that must be filled": (r"ALTER TABLE (?P<table>\w+) ALTER COLUMN \w+ SET NOT NULL", True),
    "constraint that is checked at once": (
        r"ALTER TABLE (?P<table>\w+) ADD (CONSTRAINT|PRIMARY|UNIQUE|FOREIGN|CHECK)(?!.*(NOT VALID|USING INDEX))",
        False,
    ),
    "removal": (r"(ALTER TABLE (?P<table>\w+) DROP (COLUMN|CONSTRAINT)|DROP TABLE|TRUNCATE)", True),
    "new name": (r"ALTER TABLE (?P<table>\w+) RENAME", True),
    "all rows changed": (r"(UPDATE|DELETE FROM) (?P<table>\w+)", False),
    "whole table rewritten or locked": (
        r"(VACUUM|CLUSTER|REINDEX|LOCK TABLE|ALTER TABLE \w+ SET (TABLESPACE|LOGGED|UNLOGGED))", False
    ),
}  # fmt: skip
"""By name what it looks like, and whether earlier releases cannot go on after it."""

REMEDY = """
Let a column be empty or have a plain default; make and remove indexes with app.migrations.indexes, in a migration
that does nothing else; let the worker fill and change rows, in portions; check a constraint later (NOT VALID); make a
new column or table in place of another type or name. If earlier releases cannot go on, SERVES_EARLIER_RELEASES = False.
"""


def load(path: Path) -> ModuleType:
    """The migration in this file."""
    spec = importlib.util.spec_from_file_location(f"migration_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def faults_of(migration: Any) -> set[str]:
    """Which rules a migration breaks, and "more beside an index" for one that could not be done again."""
    statements = list(_statements(migration.upgrade))
    made = {match["table"] for each in statements if (match := re.match(r"CREATE TABLE (?P<table>\w+)", each))}
    found = set()
    for name, (pattern, is_break) in RULES.items():
        for statement in statements:
            match = re.search(pattern, statement, re.IGNORECASE)
            if match is None or match.groupdict().get("table") in made:
                continue
            if not (is_break and not getattr(migration, "SERVES_EARLIER_RELEASES", True)):
                found.add(name)
    concurrent = [each for each in statements if "INDEX CONCURRENTLY" in each]
    others = [each for each in statements if "INDEX CONCURRENTLY" not in each and "lock_timeout" not in each]
    return found | ({"more beside an index"} if concurrent and others else set())


def _statements(act: Callable[[], None]) -> Iterator[str]:
    """What `act` would do to PostgreSQL, without its transactions."""
    written = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql",
        opts={"as_sql": True, "output_buffer": written, "transaction_per_migration": True},
    )
    context.impl.connection = _Nobody(context, written)  # type: ignore[assignment]
    with Operations.context(context):
        act()
    text = re.sub(r"\$\$.*?\$\$", "", written.getvalue(), flags=re.DOTALL)  # what a trigger's function does later
    for each in text.split(";"):
        statement = re.sub(r'"|\s+', lambda found: "" if found[0] == '"' else " ", each).strip()
        if statement and statement not in ("BEGIN", "COMMIT") and not statement.startswith("CREATE TRIGGER"):
            yield statement


class _Nobody:
    """Stands for a connection to PostgreSQL: has its dialect, and finds one row of whatever is asked for."""

    def __init__(self, context: MigrationContext, written: io.StringIO) -> None:
        self.dialect = context.dialect
        self.connection = SimpleNamespace(driver_connection=None)
        self._written = written

    def execute(self, _statement: Any, *_values: Any) -> Any:
        return self

    exec_driver_sql = execute

    def first(self) -> tuple[int]:
        return (1,)

    def scalar(self) -> None:
        return None

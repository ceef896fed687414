"""No migration may stop a gateway that is in use."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from alembic import op

from app import migrations
from app.migrations.indexes import create_index, drop_index
from tests.migrations.lint import REMEDY, faults_of, load

FILES = sorted(Path(migrations.__file__).parent.glob("versions/[0-9]*.py"))

ALLOWED = {
    "0002": {"plain index"},
    "0003": {"plain index"},
    "0004": {"plain index"},
    "0006": {"plain index"},
    "0007": {"plain index", "plain drop of an index", "new name", "all rows changed"},
    "0009": {"plain index"},
    "0011": {"plain index", "plain drop of an index"},
    "0015": {"removal", "constraint that is checked at once", "all rows changed"},
    "0018": {"plain index"},
    "0019": {"plain index"},
}
"""What was done before there was this rule, and before the first release: no database in use has them before it. Their
locks are waited for shortly, as all are, and the tables were small. Nothing is to be added here."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nobody_waits_for_a_migration(path: Path) -> None:
    module = load(path)

    assert faults_of(module) == ALLOWED.get(module.revision, set()), REMEDY


@pytest.mark.parametrize(
    ("fault", "upgrade"),
    [
        ("plain index", lambda: op.create_index("i", "events", ["type"])),
        ("plain index", lambda: op.execute("create unique index i\n on events (type)")),
        ("plain drop of an index", lambda: op.drop_index("i", "events")),
        ("new column that must be filled",
         lambda: op.add_column("events", sa.Column("a", sa.Integer(), nullable=False))),
        ("new column computed for each row",
         lambda: op.add_column("events", sa.Column("a", sa.DateTime(), server_default=sa.text("clock_timestamp()")))),
        ("constraint that is checked at once",
         lambda: op.add_column("events", sa.Column("a", sa.Text(), sa.ForeignKey("contacts.id")))),
        ("new column computed for each row",
         lambda: op.execute("ALTER TABLE events ADD COLUMN a text REFERENCES contacts")),
        ("type of a column", lambda: op.alter_column("events", "type", type_=sa.String(4))),
        ("existing column that must be filled", lambda: op.alter_column("events", "key", nullable=False)),
        ("constraint that is checked at once", lambda: op.create_check_constraint("c", "events", "position > 0")),
        ("constraint that is checked at once",
         lambda: op.create_foreign_key("f", "events", "contacts", ["contact_id"], ["id"])),
        ("removal", lambda: op.drop_column("events", "key")),
        ("removal", lambda: op.drop_table("events")),
        ("new name", lambda: op.alter_column("events", "key", new_column_name="keys")),
        ("new name", lambda: op.rename_table("events", "happenings")),
        ("all rows changed", lambda: op.execute("UPDATE events SET key = ''")),
        ("whole table rewritten or locked", lambda: op.execute("LOCK TABLE events")),
        ("more beside an index", lambda: (create_index("i", "events", ["type"]), op.execute("SELECT 1"))),
    ],
)  # fmt: skip
def test_what_stops_others_is_found(fault: str, upgrade: object) -> None:
    assert faults_of(SimpleNamespace(upgrade=upgrade)) == {fault}


def test_what_takes_a_moment_passes() -> None:
    def upgrade() -> None:
        op.create_table("new", sa.Column("id", sa.Integer(), nullable=False))
        op.create_index("of_new", "new", ["id"])
        op.add_column("events", sa.Column("a", sa.Text()))
        op.add_column("events", sa.Column("b", sa.Boolean(), nullable=False, server_default=sa.false()))

    assert faults_of(SimpleNamespace(upgrade=upgrade)) == set()
    for step in (lambda: create_index("i", "events", ["type"], where="type <> ''"), lambda: drop_index("i", "events")):
        assert faults_of(SimpleNamespace(upgrade=step)) == set()


def test_what_earlier_releases_cannot_live_with_is_to_be_said() -> None:
    removal = SimpleNamespace(upgrade=lambda: op.drop_column("events", "key"), SERVES_EARLIER_RELEASES=False)

    assert faults_of(removal) == set()

"""Indexes of unfinished deliveries by contact and by leader, whose condition is not that of the due ones.

With one condition for all three, PostgreSQL chose among them by its statistics, which are mostly those of an empty
queue: it then walked through all that was due for each delivery.
"""

from alembic import op

from app.migrations.indexes import create_index, drop_index

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

NEW = {"ix_deliveries_unfinished_contact_id": "100000 5 1", "ix_deliveries_unfinished_carried_by": "10000 10"}
OLD = {"ix_deliveries_contact": "100000 5 1", "ix_deliveries_carried_by": "10000 10"}
"""What SQLite is to think of the indexes: see revision 0009."""


def upgrade() -> None:
    """Make the new ones, then drop the old ones."""
    create_index(
        "ix_deliveries_unfinished_contact_id", "deliveries", ["contact_id", "id"],
        where="finished_at IS NULL AND contact_id IS NOT NULL",
    )  # fmt: skip
    create_index(
        "ix_deliveries_unfinished_carried_by", "deliveries", ["carried_by"],
        where="finished_at IS NULL AND carried_by IS NOT NULL",
    )  # fmt: skip
    drop_index("ix_deliveries_contact", "deliveries")
    drop_index("ix_deliveries_carried_by", "deliveries")
    _tell_sqlite(NEW, instead=OLD)


def downgrade() -> None:
    """Make the old ones, then drop the new ones."""
    create_index("ix_deliveries_contact", "deliveries", ["contact_id", "id"], where="state = 'pending'")
    create_index(
        "ix_deliveries_carried_by", "deliveries", ["carried_by"], where="state = 'pending' AND carried_by IS NOT NULL"
    )
    drop_index("ix_deliveries_unfinished_contact_id", "deliveries")
    drop_index("ix_deliveries_unfinished_carried_by", "deliveries")
    _tell_sqlite(OLD, instead=NEW)


def _tell_sqlite(indexes: dict[str, str], *, instead: dict[str, str]) -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    for index in instead:
        op.execute(f"DELETE FROM sqlite_stat1 WHERE idx = '{index}'")
    for index, rows in indexes.items():
        op.execute(f"INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('deliveries', '{index}', '{rows}')")

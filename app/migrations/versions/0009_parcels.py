"""Deliveries that go as one POST: of a contact's burst, of a batch, or of one notification of Meta's."""

import sqlalchemy as sa
from alembic import op

from app.models.base import Sequence

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None

CARRIED = sa.text("state = 'pending' AND carried_by IS NOT NULL")

ROWS = {
    "ix_deliveries_due": "100000 50000 25000 2 1",
    "ix_deliveries_contact": "100000 5 1",
    "ix_deliveries_undelivered": "10000 100 20 1",
    "ix_deliveries_event_id": "3000000 2",
    "ix_deliveries_carried_by": "10000 10",
}
"""What SQLite is to think of the indexes, as of a day on which an app is down: without, it would read a whole backlog
for what one contact, or one notification, has in it."""


def upgrade() -> None:
    """Add the columns."""
    op.add_column("endpoints", sa.Column("debounce_seconds", sa.Integer(), nullable=True))
    op.add_column("endpoints", sa.Column("batch", sa.Integer(), nullable=True))
    op.add_column("deliveries", sa.Column("carried_by", Sequence, nullable=True))
    op.create_index(
        "ix_deliveries_carried_by", "deliveries", ["carried_by"], sqlite_where=CARRIED, postgresql_where=CARRIED
    )
    if op.get_bind().dialect.name == "sqlite":
        for index, rows in ROWS.items():
            op.execute(f"INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('deliveries', '{index}', '{rows}')")


def downgrade() -> None:
    """Take them away again; what was carried is due at once."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DELETE FROM sqlite_stat1 WHERE tbl = 'deliveries'")
    op.execute("UPDATE deliveries SET due_at = created_at WHERE state = 'pending' AND carried_by IS NOT NULL")
    op.drop_index("ix_deliveries_carried_by", "deliveries")
    op.drop_column("deliveries", "carried_by")
    op.drop_column("endpoints", "batch")
    op.drop_column("endpoints", "debounce_seconds")

"""Deliveries that go as one POST: of a contact's burst, of a batch, or of one notification of Meta's."""

import sqlalchemy as sa
from alembic import op

from app.models.base import Sequence

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None

CARRIED = sa.text("state = 'pending' AND carried_by IS NOT NULL")


def upgrade() -> None:
    """Add the columns."""
    op.add_column("endpoints", sa.Column("debounce_seconds", sa.Integer(), nullable=True))
    op.add_column("endpoints", sa.Column("batch", sa.Integer(), nullable=True))
    op.add_column("deliveries", sa.Column("carried_by", Sequence, nullable=True))
    op.create_index(
        "ix_deliveries_carried_by", "deliveries", ["carried_by"], sqlite_where=CARRIED, postgresql_where=CARRIED
    )


def downgrade() -> None:
    """Take them away again; what was carried is due at once."""
    op.execute("UPDATE deliveries SET due_at = created_at WHERE state = 'pending' AND carried_by IS NOT NULL")
    op.drop_index("ix_deliveries_carried_by", "deliveries")
    op.drop_column("deliveries", "carried_by")
    op.drop_column("endpoints", "batch")
    op.drop_column("endpoints", "debounce_seconds")

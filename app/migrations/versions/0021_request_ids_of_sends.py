"""Beside each queued send the id of the request that asked for it, for the log."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it."""
    op.add_column("queued_sends", sa.Column("request_id", sa.String(64)))


def downgrade() -> None:
    """Take it away again."""
    with op.batch_alter_table("queued_sends") as table:
        table.drop_column("request_id")

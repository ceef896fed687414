"""Beside each try at delivering a note: why what the app answered is not sent to the customer."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it."""
    op.add_column("delivery_attempts", sa.Column("note", sa.Text()))


def downgrade() -> None:
    """Take it away again."""
    with op.batch_alter_table("delivery_attempts") as table:
        table.drop_column("note")

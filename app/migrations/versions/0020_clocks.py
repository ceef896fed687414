"""Where workers run, and how far their clocks are from the database's."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("workers", sa.Column("host", sa.Text(), nullable=True))
    op.add_column("workers", sa.Column("clock_ahead_seconds", sa.Double(), nullable=True))


def downgrade() -> None:
    """Take them away again."""
    op.drop_column("workers", "clock_ahead_seconds")
    op.drop_column("workers", "host")

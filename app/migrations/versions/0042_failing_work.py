"""What fails in a worker, as its heartbeat tells."""

import sqlalchemy as sa
from alembic import op

from app.models.base import JsonColumn

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("workers", sa.Column("failing", JsonColumn, nullable=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("workers", "failing")

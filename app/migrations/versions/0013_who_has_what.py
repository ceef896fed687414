"""Since when a delivery is claimed, and which webhooks must be worked on in the order in which they came."""

import sqlalchemy as sa
from alembic import op

from app.models.base import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("deliveries", sa.Column("claimed_at", UtcDateTime(), nullable=True))
    op.add_column("jobs", sa.Column("order_keys", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take them away again."""
    op.drop_column("jobs", "order_keys")
    op.drop_column("deliveries", "claimed_at")

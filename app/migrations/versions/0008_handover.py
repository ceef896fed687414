"""Who answers a contact on one of our numbers: when a person last did, and when the bot got it back."""

import sqlalchemy as sa
from alembic import op

from app.models.base import UtcDateTime

revision = "0008"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the times."""
    op.add_column("contact_numbers", sa.Column("agent_at", UtcDateTime(), nullable=True))
    op.add_column("contact_numbers", sa.Column("returned_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    """Take them away again."""
    op.drop_column("contact_numbers", "returned_at")
    op.drop_column("contact_numbers", "agent_at")

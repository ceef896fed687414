"""Until when sends of batches need an upload that belongs to no message, so that it is not swept before."""

import sqlalchemy as sa
from alembic import op

from app.models.base import UtcDateTime

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("media", sa.Column("needed_until", UtcDateTime(), nullable=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("media", "needed_until")

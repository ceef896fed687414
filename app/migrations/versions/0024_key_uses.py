"""When each key was last used, to see whether an application that is told of messages ever calls back."""

import sqlalchemy as sa
from alembic import op

from app.models.base import UtcDateTime

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "key_uses",
        sa.Column("key_name", sa.Text(), nullable=False),
        sa.Column("face", sa.String(8), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key_name", "face", name=op.f("pk_key_uses")),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("key_uses")

"""Web processes leave hashes of their settings, too, so that a difference from the workers' is seen."""

import sqlalchemy as sa
from alembic import op

from app.models.base import Id, UtcDateTime

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "web_processes",
        sa.Column("id", Id, nullable=False),
        sa.Column("joined_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_web_processes")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("web_processes")

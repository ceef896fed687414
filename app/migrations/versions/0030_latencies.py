"""Histograms of latencies, so that their quantiles can be told of any minute, hour or day."""

import sqlalchemy as sa
from alembic import op

from app.models.base import Sequence, UtcDateTime

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "latencies",
        sa.Column("seconds", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("phone_number_id", sa.Text(), nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("times", Sequence, nullable=False),
        sa.PrimaryKeyConstraint(
            "seconds", "starts_at", "phone_number_id", "what", "bucket", name=op.f("pk_latencies")
        ),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("latencies")

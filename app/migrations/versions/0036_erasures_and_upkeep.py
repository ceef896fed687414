"""Hashes of erased people, what periodic work has reached, and notifications whose events were pruned."""

import sqlalchemy as sa
from alembic import op

from app.models.base import UtcDateTime

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and the column."""
    op.create_table(
        "erased_names",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("erased_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_erased_names")),
    )
    op.create_table(
        "erasure_key",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wrapped", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_key")),
    )
    op.create_table(
        "upkeep",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("skipped", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_upkeep")),
    )
    op.add_column("notifications", sa.Column("is_pruned", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("notifications", "is_pruned")
    op.drop_table("upkeep")
    op.drop_table("erasure_key")
    op.drop_table("erased_names")

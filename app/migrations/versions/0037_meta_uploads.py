"""Files that were uploaded to Meta, and Meta's ids of a queued send's files."""

import sqlalchemy as sa
from alembic import op

from app.models.base import JsonColumn, UtcDateTime

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the column."""
    op.create_table(
        "meta_uploads",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("phone_number_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("meta_media_id", sa.Text(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("error", JsonColumn, nullable=True),
        sa.Column("failed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", "phone_number_id", "purpose", name=op.f("pk_meta_uploads")),
    )
    op.create_index(op.f("ix_meta_uploads_meta_media_id"), "meta_uploads", ["meta_media_id"])
    op.add_column("queued_sends", sa.Column("media", JsonColumn, nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("queued_sends", "media")
    op.drop_index(op.f("ix_meta_uploads_meta_media_id"), "meta_uploads")
    op.drop_table("meta_uploads")

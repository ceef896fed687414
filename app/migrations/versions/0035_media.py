"""Files of messages, and the contents that they share."""

import sqlalchemy as sa
from alembic import op

from app.models.base import UtcDateTime

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "media",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("direction", sa.String(8), nullable=False),
        sa.Column("phone_number_id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.String(36), nullable=True),
        sa.Column("meta_media_id", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("declared_type", sa.Text(), nullable=True),
        sa.Column("declared_sha256", sa.String(64), nullable=True),
        sa.Column("filename", sa.Text(), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("mime_type", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("stored_at", UtcDateTime(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media")),
    )
    op.create_index("ix_media_state_created_at", "media", ["state", "created_at"])
    for name in ("message_id", "meta_media_id", "sha256"):
        op.create_index(op.f(f"ix_media_{name}"), "media", [name])
    op.create_table(
        "media_files",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("key", sa.String(36), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mime_type", sa.Text(), nullable=False),
        sa.Column("codecs", sa.Text(), nullable=True),
        sa.Column("is_animated", sa.Boolean(), nullable=False),
        sa.Column("users", sa.Integer(), nullable=False),
        sa.Column("thumbnail", sa.String(16), nullable=True),
        sa.Column("thumbnail_key", sa.String(36), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_media_files")),
    )
    op.create_index("ix_media_files_thumbnail_created_at", "media_files", ["thumbnail", "created_at"])


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("media_files")
    op.drop_table("media")

"""Indexes that find the row of a file in the vault by the file's name."""

from app.migrations.indexes import create_index, drop_index

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    create_index("ix_media_files_key", "media_files", ["key"])
    create_index(
        "ix_media_files_thumbnail_key", "media_files", ["thumbnail_key"], where="thumbnail_key IS NOT NULL"
    )


def downgrade() -> None:
    """Drop them."""
    drop_index("ix_media_files_thumbnail_key", "media_files")
    drop_index("ix_media_files_key", "media_files")

"""Edits and revocations, kept whether or not their message is known."""

import sqlalchemy as sa
from alembic import op

from app.models.base import JsonColumn, Sequence, UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "message_revisions",
        sa.Column("id", Sequence, nullable=False),
        sa.Column("wamid", sa.Text(), nullable=False),
        sa.Column("original_wamid", sa.Text(), nullable=False),
        sa.Column("phone_number_id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.String(36), nullable=True),
        sa.Column("contact_id", sa.String(36), nullable=True),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.Column("timestamp", UtcDateTime(), nullable=False),
        sa.Column("said", JsonColumn, nullable=True),
        sa.Column("previous", JsonColumn, nullable=True),
        sa.Column("notification_id", sa.String(36), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_revisions")),
        sa.UniqueConstraint(
            "wamid", "phone_number_id", name=op.f("uq_message_revisions_wamid_phone_number_id")
        ),
    )
    for column in ("original_wamid", "message_id", "contact_id"):
        op.create_index(op.f(f"ix_message_revisions_{column}"), "message_revisions", [column])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("message_revisions")

"""Echoes that turned out to be sends of ours: the send is found by the echo's id, too."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "merged_messages",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("message_id", sa.String(36), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_merged_messages_message_id_messages"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merged_messages")),
    )
    op.create_index(op.f("ix_merged_messages_message_id"), "merged_messages", ["message_id"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("merged_messages")

"""Indexes of messages for the conversations: reactions, and sends that failed."""

from app.migrations.indexes import create_index, drop_index

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them, both partial."""
    create_index(
        "ix_messages_reactions", "messages", ["contact_id", "timestamp"], where="message_type = 'reaction'"
    )
    create_index(
        "ix_messages_failed",
        "messages",
        ["contact_id", "phone_number_id", "timestamp"],
        where="status IN ('failed', 'held', 'expired') AND batch_id IS NULL",
    )


def downgrade() -> None:
    """Drop them."""
    drop_index("ix_messages_failed", "messages")
    drop_index("ix_messages_reactions", "messages")

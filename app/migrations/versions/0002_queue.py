"""What a send waits for: its turn, its number's pace and its recipient's."""

import sqlalchemy as sa
from alembic import op

from app.models.base import JsonColumn, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("mode", sa.String(length=8), nullable=True))
    op.add_column("messages", sa.Column("options", JsonColumn, nullable=True))
    op.add_column("messages", sa.Column("batch_id", sa.String(length=36), nullable=True))
    op.create_index(
        "ix_messages_batch_id_status",
        "messages",
        ["batch_id", "status"],
        sqlite_where=sa.text("batch_id IS NOT NULL"),
        postgresql_where=sa.text("batch_id IS NOT NULL"),
    )
    op.add_column("numbers", sa.Column("rate", sa.Double(), nullable=True))
    op.create_table(
        "queued_sends",
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("phone_number_id", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("wanted_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("batch_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name="fk_queued_sends_message_id_messages", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name="pk_queued_sends"),
    )
    op.create_index("ix_queued_sends_turn", "queued_sends", ["phone_number_id", "lane", "due_at", "message_id"])
    op.create_index("ix_queued_sends_due_at", "queued_sends", ["due_at"])
    op.create_index("ix_queued_sends_expires_at", "queued_sends", ["expires_at"])
    op.create_index("ix_queued_sends_batch_id", "queued_sends", ["batch_id"])
    op.create_table(
        "batches",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("phone_number_id", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
    )
    op.create_table(
        "number_paces",
        sa.Column("phone_number_id", sa.Text(), nullable=False),
        sa.Column("next_turn_at", UtcDateTime(), nullable=False),
        sa.Column("inbound_counted_at", UtcDateTime(), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("share_changed_at", UtcDateTime(), nullable=True),
        sa.Column("doubts", sa.Integer(), nullable=False),
        sa.Column("probe_at", UtcDateTime(), nullable=True),
        sa.Column("paused_for", sa.String(length=16), nullable=True),
        sa.Column("paused_until", UtcDateTime(), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("bulk_stopped_by", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("phone_number_id", name="pk_number_paces"),
    )
    op.create_table(
        "pair_paces",
        sa.Column("phone_number_id", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("paid_until", UtcDateTime(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("phone_number_id", "recipient", name="pk_pair_paces"),
    )
    op.create_index("ix_pair_paces_paid_until", "pair_paces", ["paid_until"])


def downgrade() -> None:
    for table in ("pair_paces", "number_paces", "batches", "queued_sends"):
        op.drop_table(table)
    op.drop_column("numbers", "rate")
    op.drop_index("ix_messages_batch_id_status", "messages")
    for column in ("batch_id", "options", "mode"):
        op.drop_column("messages", column)

"""Conversations, with what people keep about them, made from the messages that are there; and who sent a message."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.models.base import Id, UtcDateTime

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

NEW_ID = {
    "sqlite": "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a'"
    " || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))",
    "postgresql": "gen_random_uuid()::text",
}

# Messages of groups and of batches belong to no conversation.
FILL = """
INSERT INTO conversations (id, contact_id, phone_number_id, last_message_id, last_message_at, created_at)
SELECT {new_id}, contact_id, phone_number_id, id, timestamp, timestamp FROM (
    SELECT id, contact_id, phone_number_id, timestamp, row_number() OVER (
        PARTITION BY contact_id, phone_number_id ORDER BY timestamp DESC, id DESC
    ) AS place
    FROM messages WHERE contact_id IS NOT NULL AND group_id IS NULL AND batch_id IS NULL
) AS placed WHERE place = 1
"""


def upgrade() -> None:
    """Make the tables, and a conversation for each contact and number that have messages. All count as seen."""
    op.add_column("messages", sa.Column("sent_by", sa.Text(), nullable=True))
    _make_conversations()
    _make_what_belongs_to_them()
    _make_what_people_choose_from()
    op.execute(FILL.format(new_id=NEW_ID[op.get_context().dialect.name]))


def downgrade() -> None:
    """Drop them."""
    for name in ("presences", "quick_replies", "conversation_labels", "labels", "conversation_notes", "conversations"):
        op.drop_table(name)
    op.drop_column("messages", "sent_by")


def _make_conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", Id, nullable=False),
        sa.Column("contact_id", Id, nullable=True),
        sa.Column("phone_number_id", sa.Text(), nullable=False),
        sa.Column("merged_into", Id, nullable=True),
        sa.Column("last_message_id", Id, nullable=True),
        sa.Column("last_message_at", UtcDateTime(), nullable=False),
        sa.Column("unread", sa.Integer(), server_default="0", nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("assignee", Id, nullable=True),
        sa.Column("waiting_since", UtcDateTime(), nullable=True),
        sa.Column("failures_cleared_at", UtcDateTime(), nullable=True),
        sa.Column("touched_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
        sa.UniqueConstraint("contact_id", "phone_number_id", name=op.f("uq_conversations_contact_id_phone_number_id")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_conversations_contact_id_contacts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["merged_into"],
            ["conversations.id"],
            name=op.f("fk_conversations_merged_into_conversations"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(op.f("ix_conversations_merged_into"), "conversations", ["merged_into"])
    op.create_index("ix_conversations_last_message_at_id", "conversations", ["last_message_at", "id"])
    op.create_index("ix_conversations_touched_at", "conversations", ["touched_at"])
    for name, columns, where in (
        ("unread", ["phone_number_id", "last_message_at"], sa.text("unread > 0")),
        ("waiting", ["phone_number_id"], sa.text("waiting_since IS NOT NULL")),
    ):
        op.create_index(
            f"ix_conversations_{name}", "conversations", columns, sqlite_where=where, postgresql_where=where
        )


def _belongs(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["conversation_id"],
        ["conversations.id"],
        name=op.f(f"fk_{name}_conversation_id_conversations"),
        ondelete="CASCADE",
    )


def _make_what_belongs_to_them() -> None:
    op.create_table(
        "conversation_notes",
        sa.Column("id", Id, nullable=False),
        sa.Column("conversation_id", Id, nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation_notes")),
        _belongs("conversation_notes"),
    )
    op.create_index(
        "ix_conversation_notes_conversation_id_created_at", "conversation_notes", ["conversation_id", "created_at"]
    )
    op.create_table(
        "presences",
        sa.Column("conversation_id", Id, nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("typing_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("conversation_id", "person_id", name=op.f("pk_presences")),
        _belongs("presences"),
    )
    op.create_index(op.f("ix_presences_seen_at"), "presences", ["seen_at"])


def _make_what_people_choose_from() -> None:
    op.create_table(
        "labels",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("colour", sa.String(7), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_labels")),
        sa.UniqueConstraint("name", name=op.f("uq_labels_name")),
    )
    op.create_table(
        "conversation_labels",
        sa.Column("conversation_id", Id, nullable=False),
        sa.Column("label_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "label_id", name=op.f("pk_conversation_labels")),
        _belongs("conversation_labels"),
        sa.ForeignKeyConstraint(
            ["label_id"], ["labels.id"], name=op.f("fk_conversation_labels_label_id_labels"), ondelete="CASCADE"
        ),
    )
    op.create_index(op.f("ix_conversation_labels_label_id"), "conversation_labels", ["label_id"])
    op.create_table(
        "quick_replies",
        sa.Column("id", Id, nullable=False),
        sa.Column("shortcut", sa.String(40), nullable=False),
        sa.Column("phone_number_id", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quick_replies")),
        sa.UniqueConstraint("shortcut", "phone_number_id", name=op.f("uq_quick_replies_shortcut_phone_number_id")),
    )

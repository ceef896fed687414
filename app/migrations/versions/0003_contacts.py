"""What is known of a person beside their names."""

import sqlalchemy as sa
from alembic import op

from app.models.base import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LAST_OUTBOUND = "ix_messages_last_outbound"

SPOKEN = """
INSERT INTO contact_numbers (contact_id, phone_number_id, last_inbound_at)
SELECT contact_id, phone_number_id, max(at) FROM (
    SELECT contact_id, phone_number_id, timestamp AS at FROM messages
    WHERE direction = 'inbound' AND group_id IS NULL AND phone_number_id <> ''
    UNION ALL
    SELECT contact_id, phone_number_id, timestamp AS at FROM events WHERE type = 'call' AND phone_number_id IS NOT NULL
) AS spoken
WHERE contact_id IN (SELECT id FROM contacts)
GROUP BY contact_id, phone_number_id
"""
"""When everybody last wrote to, or called, each number."""


def upgrade() -> None:
    """Make the tables."""
    op.add_column("contacts", sa.Column("given_name", sa.Text(), nullable=True))
    op.add_column("contacts", sa.Column("notes", sa.Text(), nullable=True))
    op.add_column("contact_aliases", sa.Column("since", UtcDateTime(), nullable=True))
    op.add_column("contact_aliases", sa.Column("until", UtcDateTime(), nullable=True))
    op.create_table(
        "contact_numbers",
        sa.Column("contact_id", sa.String(length=36), nullable=False),
        sa.Column("phone_number_id", sa.Text(), nullable=False),
        sa.Column("last_inbound_at", UtcDateTime(), nullable=True),
        sa.Column("opted_out", sa.Boolean(), nullable=True),
        sa.Column("wished_at", UtcDateTime(), nullable=True),
        sa.Column("wish", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_contact_numbers_contact_id_contacts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contact_id", "phone_number_id", name=op.f("pk_contact_numbers")),
    )
    outbound = sa.text("direction = 'outbound'")
    op.create_index(
        LAST_OUTBOUND,
        "messages",
        ["contact_id", "phone_number_id", "timestamp"],
        sqlite_where=outbound,
        postgresql_where=outbound,
    )
    op.execute(SPOKEN)


def downgrade() -> None:
    """Take them away again."""
    op.drop_index(LAST_OUTBOUND, "messages")
    op.drop_table("contact_numbers")
    op.drop_column("contact_aliases", "until")
    op.drop_column("contact_aliases", "since")
    op.drop_column("contacts", "notes")
    op.drop_column("contacts", "given_name")

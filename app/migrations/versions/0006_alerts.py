"""What a person must be told, and an index by which one of the checks finds it cheaply."""

import sqlalchemy as sa
from alembic import op

from app.models.base import JsonColumn, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FLAGGED = {"sqlite": "flags LIKE '%unknown_number%'", "postgresql": "flags @> '[\"unknown_number\"]'"}


def upgrade() -> None:
    """Make the table and the index."""
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("phone_number_id", sa.Text(), nullable=True),
        sa.Column("details", JsonColumn, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_raised_at", UtcDateTime(), nullable=False),
        sa.Column("last_raised_at", UtcDateTime(), nullable=False),
        sa.Column("notified_at", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
    )
    _partial_index("uq_alerts_open_kind_subject", "alerts", ["kind", "subject"], "closed_at IS NULL", unique=True)
    flagged = FLAGGED[op.get_bind().dialect.name]
    _partial_index("ix_messages_unknown_number_received_at", "messages", ["received_at"], flagged)


def downgrade() -> None:
    """Take them away again."""
    op.drop_index("ix_messages_unknown_number_received_at", "messages")
    op.drop_table("alerts")


def _partial_index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    clause = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=clause, postgresql_where=clause)

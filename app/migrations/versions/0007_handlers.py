"""Python handlers are endpoints that choose by a message's type; and a caller's key says itself when it is forgotten."""

import sqlalchemy as sa
from alembic import op

from app.models.base import JsonColumn

revision = "0007"
down_revision = "0008"
branch_labels = None
depends_on = None

HOURS_48 = {"sqlite": "172800000000", "postgresql": "interval '48 hours'"}
"""How long keys were kept before, in the unit that each database counts time in."""


def upgrade() -> None:
    """Add the column, and let keys end at a time of their own."""
    op.add_column("endpoints", sa.Column("message_types", JsonColumn, nullable=True))
    _rename("created_at", "forget_at", "+")


def downgrade() -> None:
    """Take it back."""
    _rename("forget_at", "created_at", "-")
    op.drop_column("endpoints", "message_types")


def _rename(old: str, new: str, sign: str) -> None:
    op.drop_index(f"ix_idempotency_keys_{old}", "idempotency_keys")
    op.execute(f"ALTER TABLE idempotency_keys RENAME COLUMN {old} TO {new}")
    op.execute(f"UPDATE idempotency_keys SET {new} = {new} {sign} {HOURS_48[op.get_bind().dialect.name]}")
    op.create_index(f"ix_idempotency_keys_{new}", "idempotency_keys", [new])

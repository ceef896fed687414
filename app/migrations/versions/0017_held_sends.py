"""Why a send is held, whether the database was out of use, and what is known of a number's token."""

import sqlalchemy as sa
from alembic import op

from app.models.base import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    op.create_table(
        "database_use",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.String(36), nullable=False),
        sa.Column("beats", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", UtcDateTime(), nullable=False),
        sa.Column("is_stopped", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_database_use")),
    )
    op.add_column("messages", sa.Column("held_for", sa.String(16), nullable=True))
    op.add_column("number_paces", sa.Column("proven_token", sa.String(64), nullable=True))
    op.add_column("number_paces", sa.Column("in_doubt_since", UtcDateTime(), nullable=True))


def downgrade() -> None:
    """Take them away again."""
    with op.batch_alter_table("number_paces") as paces:
        paces.drop_column("in_doubt_since")
        paces.drop_column("proven_token")
    op.drop_column("messages", "held_for")
    op.drop_table("database_use")

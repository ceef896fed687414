"""Which business account an event is about that is about no number in particular."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

INDEX, IS_OF_ONE = "ix_events_waba_id_sequence", sa.text("waba_id IS NOT NULL")


def upgrade() -> None:
    """Add it. Events of before have none."""
    op.add_column("events", sa.Column("waba_id", sa.Text(), nullable=True))
    op.create_index(
        INDEX, "events", ["waba_id", "sequence"], sqlite_where=IS_OF_ONE, postgresql_where=IS_OF_ONE
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_index(INDEX, "events")
    op.drop_column("events", "waba_id")

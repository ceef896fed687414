"""Whether an endpoint in Meta's format gets item by item, or whole notifications."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it. Every endpoint gets item by item."""
    op.add_column("endpoints", sa.Column("split", sa.Boolean(), nullable=False, server_default=sa.true()))


def downgrade() -> None:
    """Take it away again."""
    with op.batch_alter_table("endpoints") as table:
        table.drop_column("split")

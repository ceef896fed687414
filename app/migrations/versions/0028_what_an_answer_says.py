"""What an answer says of event and app: which delivery holds others back, and how silent an endpoint is."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

FLAGS = {"is_status": sa.false(), "blocks": sa.true(), "refused": sa.false()}


def upgrade() -> None:
    """Add the columns. Neither database writes a row for that."""
    for name, value in FLAGS.items():
        op.add_column("deliveries", sa.Column(name, sa.Boolean(), nullable=False, server_default=value))
    op.add_column("endpoints", sa.Column("silences", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Take them away again."""
    op.drop_column("endpoints", "silences")
    for name in FLAGS:
        op.drop_column("deliveries", name)

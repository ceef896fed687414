"""Beside each worker what its settings are, as hashes, and the limits of sending that it was given."""

import sqlalchemy as sa
from alembic import op

from app.models.base import UtcDateTime

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

COLUMNS = {
    "joined_at": UtcDateTime(),
    "settings": sa.Text(),
    "messages_per_second": sa.Double(),
    "resends_unknown": sa.Boolean(),
    "unknown_send_seconds": sa.Integer(),
}


def upgrade() -> None:
    """Add them."""
    for name, type_ in COLUMNS.items():
        op.add_column("workers", sa.Column(name, type_, nullable=True))


def downgrade() -> None:
    """Take them away again."""
    for name in reversed(COLUMNS):
        op.drop_column("workers", name)

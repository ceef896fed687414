"""The version of the registries, so that a change of an endpoint, a number or a key counts everywhere at once."""

import sqlalchemy as sa
from alembic import op

from app.models.base import Sequence

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "registry_version",
        sa.Column("id", Sequence, autoincrement=False, nullable=False),
        sa.Column("version", Sequence, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_version")),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("registry_version")

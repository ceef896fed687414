"""Which releases the schema serves, so that one which it does not serve can say so."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. Its row is written after each migration."""
    op.create_table(
        "schema_info",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("serves_since", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schema_info")),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("schema_info")

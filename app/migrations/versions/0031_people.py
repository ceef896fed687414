"""People who work in the inbox, their sign-in links and sessions."""

import sqlalchemy as sa
from alembic import op

from app.models.base import Id, JsonColumn, UtcDateTime

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "people",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("numbers", JsonColumn, nullable=True),
        sa.Column("language", sa.String(16), nullable=True),
        sa.Column("theme", sa.String(16), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("name_key", name=op.f("uq_people_name_key")),
    )
    for name, times in (
        ("sign_in_links", (("created_at", False), ("expires_at", False), ("used_at", True))),
        ("person_sessions", (("created_at", False), ("seen_at", False), ("expires_at", False))),
    ):
        op.create_table(
            name,
            sa.Column("id", Id, nullable=False),
            sa.Column("person_id", Id, nullable=False),
            sa.Column("hash", sa.Text(), nullable=False),
            *(sa.Column(time, UtcDateTime(), nullable=is_nullable) for time, is_nullable in times),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
            sa.UniqueConstraint("hash", name=op.f(f"uq_{name}_hash")),
            sa.ForeignKeyConstraint(
                ["person_id"], ["people.id"], name=op.f(f"fk_{name}_person_id_people"), ondelete="CASCADE"
            ),
        )
        op.create_index(op.f(f"ix_{name}_person_id"), name, ["person_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("person_sessions")
    op.drop_table("sign_in_links")
    op.drop_table("people")

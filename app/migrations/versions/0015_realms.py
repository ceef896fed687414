"""Beside each name of a contact the app through whose numbers the person is known by it."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

OF_ANOTHER_APP = """
    SELECT min(n.app) FROM contact_numbers c JOIN numbers n ON n.phone_number_id = c.phone_number_id
    WHERE c.contact_id = contact_aliases.contact_id AND n.app <> 'default'
"""
OF_OURS = """
    SELECT 1 FROM contact_numbers c LEFT JOIN numbers n ON n.phone_number_id = c.phone_number_id
    WHERE c.contact_id = contact_aliases.contact_id AND (n.app IS NULL OR n.app = 'default')
"""


def upgrade() -> None:
    """Add it. Who was known only through numbers of another app than the settings' is that one's from now on."""
    with op.batch_alter_table("contact_aliases") as table:
        table.add_column(sa.Column("app", sa.Text(), nullable=False, server_default=""))
    _set_key("kind", "value", "app")
    if op.get_bind().execute(sa.text("SELECT 1 FROM numbers WHERE app <> 'default' LIMIT 1")).first():
        op.execute(
            f"UPDATE contact_aliases SET app = coalesce(({OF_ANOTHER_APP}), '') WHERE NOT EXISTS ({OF_OURS})"
        )


def downgrade() -> None:
    """Take it away again, and the names that another contact has, too."""
    op.execute(
        "DELETE FROM contact_aliases WHERE EXISTS (SELECT 1 FROM contact_aliases o"
        " WHERE o.kind = contact_aliases.kind AND o.value = contact_aliases.value AND o.app < contact_aliases.app)"
    )
    _set_key("kind", "value")
    with op.batch_alter_table("contact_aliases") as table:
        table.drop_column("app")


def _set_key(*columns: str) -> None:
    with op.batch_alter_table("contact_aliases") as table:
        table.drop_constraint("pk_contact_aliases", type_="primary")
        table.create_primary_key("pk_contact_aliases", list(columns))

"""The words by which contacts are found, and which contacts' words are still to be written.

`contact_words` refers to contacts by triggers and not by a key: its rows are written by a transaction that holds the
contact's note, and a key would have it wait for whoever holds the contact and waits for the note.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

NAMES = ("name", "given_name", "username")

SQLITE = (
    """CREATE TRIGGER contacts_insert AFTER INSERT ON contacts BEGIN
    INSERT OR IGNORE INTO unsearched_contacts (contact_id) VALUES (new.id);
END""",
    f"""CREATE TRIGGER contacts_update AFTER UPDATE OF {', '.join(NAMES)} ON contacts
    WHEN {' OR '.join(f'old.{name} IS NOT new.{name}' for name in NAMES)} BEGIN
    INSERT OR IGNORE INTO unsearched_contacts (contact_id) VALUES (new.id);
END""",
    """CREATE TRIGGER contacts_delete AFTER DELETE ON contacts BEGIN
    INSERT OR IGNORE INTO unsearched_contacts (contact_id) VALUES (old.id);
    DELETE FROM contact_words WHERE contact_id = old.id;
END""",
)

POSTGRESQL = (
    """CREATE FUNCTION note_contact() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO unsearched_contacts (contact_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$""",
    "CREATE TRIGGER contacts_insert AFTER INSERT ON contacts FOR EACH ROW EXECUTE FUNCTION note_contact()",
    f"""CREATE TRIGGER contacts_update AFTER UPDATE OF {', '.join(NAMES)} ON contacts FOR EACH ROW
    WHEN ({' OR '.join(f'OLD.{name} IS DISTINCT FROM NEW.{name}' for name in NAMES)})
    EXECUTE FUNCTION note_contact()""",
    # Who writes the words of this contact at the moment is waited for by the first of these two; the next undoes it.
    """CREATE FUNCTION forget_contact() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO unsearched_contacts (contact_id) VALUES (OLD.id) ON CONFLICT DO NOTHING;
    DELETE FROM contact_words WHERE contact_id = OLD.id;
    RETURN NULL;
END $$""",
    "CREATE TRIGGER contacts_delete AFTER DELETE ON contacts FOR EACH ROW EXECUTE FUNCTION forget_contact()",
)


def upgrade() -> None:
    """Make the tables, and let the worker write the words of all contacts."""
    word = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "contact_words",
        sa.Column("word", word, nullable=False),
        sa.Column("contact_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("word", "contact_id", name=op.f("pk_contact_words")),
    )
    op.create_index(op.f("ix_contact_words_contact_id"), "contact_words", ["contact_id"])
    op.create_table(
        "unsearched_contacts",
        sa.Column("contact_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_unsearched_contacts")),
    )
    op.create_index(
        "ix_contact_numbers_phone_number_id_contact_id", "contact_numbers", ["phone_number_id", "contact_id"]
    )
    op.execute("INSERT INTO unsearched_contacts (contact_id) SELECT id FROM contacts")
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Take them away again."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for event in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER contacts_{event}{' ON contacts' if is_postgresql else ''}")
    if is_postgresql:
        op.execute("DROP FUNCTION note_contact()")
        op.execute("DROP FUNCTION forget_contact()")
    op.drop_index("ix_contact_numbers_phone_number_id_contact_id", "contact_numbers")
    op.drop_table("unsearched_contacts")
    op.drop_table("contact_words")

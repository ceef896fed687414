"""What makes reading and counting fast."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.models.base import Sequence, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NO_STATUS = "type <> 'message.status'"
"""The many: they are found without an index of their own."""

INDEXES = {
    "ix_messages_direction_phone_number_id_timestamp_id": (
        "messages", ["direction", "phone_number_id", "timestamp", "id"], None
    ),
    "ix_messages_status_direction_timestamp_id": ("messages", ["status", "direction", "timestamp", "id"], None),
    "ix_messages_message_type_direction_timestamp_id": (
        "messages", ["message_type", "direction", "timestamp", "id"], None
    ),
    "ix_messages_batch_id_timestamp_id": (
        "messages", ["batch_id", "timestamp", "id"], "batch_id IS NOT NULL"
    ),
    "ix_events_phone_number_id_sequence": ("events", ["phone_number_id", "sequence"], None),
    "ix_events_type_sequence": ("events", ["type", "sequence"], NO_STATUS),
}

ROWS = {
    ("messages", "ix_messages_contact_id_timestamp_id"): "1000000 20 1 1",
    ("messages", "ix_messages_timestamp_id"): "1000000 2 1",
    ("messages", "ix_messages_direction_phone_number_id_timestamp_id"): "1000000 500000 250000 2 1",
    ("messages", "ix_messages_status_direction_timestamp_id"): "1000000 150000 100000 2 1",
    ("messages", "ix_messages_message_type_direction_timestamp_id"): "1000000 100000 50000 2 1",
    ("events", "ix_events_contact_id_sequence"): "3000000 60 1",
    ("events", "ix_events_message_id"): "3000000 3",
    ("events", "ix_events_notification_id"): "3000000 2",
    ("events", "ix_events_phone_number_id_sequence"): "3000000 1000000 1",
    ("events", "ix_events_type_sequence"): "1000000 200000 1",
}
"""What SQLite is told of its indexes: all rows, and those that share one, two, … columns. Knowing nothing, it would take
an index of two columns before one of one, and read half of all messages for those of one contact."""

SQLITE = """
CREATE VIRTUAL TABLE search_index USING fts5(
    words, content='message_documents', content_rowid='docid', tokenize='ascii', detail='none', columnsize=0
);
CREATE TRIGGER message_documents_insert AFTER INSERT ON message_documents BEGIN
    INSERT INTO search_index (rowid, words) VALUES (new.docid, new.words);
END;
CREATE TRIGGER message_documents_delete AFTER DELETE ON message_documents BEGIN
    INSERT INTO search_index (search_index, rowid, words) VALUES ('delete', old.docid, old.words);
END;
CREATE TRIGGER messages_insert AFTER INSERT ON messages BEGIN
    INSERT INTO unsearched_messages (message_id) VALUES (new.id);
END;
CREATE TRIGGER messages_update AFTER UPDATE OF message ON messages WHEN old.message <> new.message BEGIN
    DELETE FROM message_documents WHERE message_id = old.id;
    INSERT OR IGNORE INTO unsearched_messages (message_id) VALUES (new.id);
END;
"""

POSTGRESQL = """
CREATE INDEX search_index ON message_documents USING gin (words) WITH (gin_pending_list_limit = 1024);
CREATE FUNCTION note_new_messages() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO unsearched_messages (message_id) SELECT id FROM new_messages;
    RETURN NULL;
END $$;
CREATE TRIGGER messages_insert AFTER INSERT ON messages REFERENCING NEW TABLE AS new_messages
    FOR EACH STATEMENT EXECUTE FUNCTION note_new_messages();
CREATE FUNCTION note_changed_message() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM message_documents WHERE message_id = OLD.id;
    INSERT INTO unsearched_messages (message_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER messages_update AFTER UPDATE OF message ON messages FOR EACH ROW
    WHEN (OLD.message IS DISTINCT FROM NEW.message) EXECUTE FUNCTION note_changed_message();
"""


def upgrade() -> None:
    """Make the tables."""
    for name, (table, columns, condition) in INDEXES.items():
        where = sa.text(condition) if condition else None
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "message_documents",
        sa.Column("docid", Sequence, autoincrement=False, nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("words", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_message_documents_message_id_messages"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("docid", name=op.f("pk_message_documents")),
        sa.UniqueConstraint("message_id", name=op.f("uq_message_documents_message_id")),
    )
    op.create_table(
        "unsearched_messages",
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_unsearched_messages")),
    )
    op.create_table(
        "traffic",
        sa.Column("seconds", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("phone_number_id", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("times", Sequence, nullable=False),
        sa.Column("took", sa.Double(), nullable=False),
        sa.Column("longest", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("seconds", "starts_at", "phone_number_id", "what", name=op.f("pk_traffic")),
    )
    op.create_table(
        "counted_up_to",
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("place", Sequence, nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_counted_up_to")),
    )
    op.create_table(
        "priced_messages",
        sa.Column("phone_number_id", sa.Text(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("billable", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("messages", Sequence, nullable=False),
        sa.PrimaryKeyConstraint(
            "phone_number_id", "day", "category", "type", "billable", name=op.f("pk_priced_messages")
        ),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute("ANALYZE unsearched_messages")  # makes the table of what SQLite knows
        for (table, index), rows in ROWS.items():
            op.execute(f"DELETE FROM sqlite_stat1 WHERE idx = '{index}'")
            op.execute(f"INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('{table}', '{index}', '{rows}')")
    op.execute("INSERT INTO unsearched_messages (message_id) SELECT id FROM messages")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRESQL)
    else:
        for statement in SQLITE.split("\nCREATE"):
            if statement.strip():
                op.execute(f"CREATE{statement}")


def downgrade() -> None:
    """Take them away again."""
    if op.get_bind().dialect.name == "postgresql":
        for event, function in (("insert", "note_new_messages"), ("update", "note_changed_message")):
            op.execute(f"DROP TRIGGER messages_{event} ON messages")
            op.execute(f"DROP FUNCTION {function}")
    else:
        for event in ("insert", "update"):
            op.execute(f"DROP TRIGGER messages_{event}")
        op.execute("DROP TABLE search_index")
        op.execute("DELETE FROM sqlite_stat1 WHERE tbl IN ('messages', 'events')")
    for counts in ("priced_messages", "counted_up_to", "traffic"):
        op.drop_table(counts)
    op.drop_table("unsearched_messages")
    op.drop_table("message_documents")
    for name, (table, _, _) in reversed(INDEXES.items()):
        op.drop_index(name, table)

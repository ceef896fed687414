"""What lets lists and statistics read less: counts by the day, and an index that tells a message's type and number."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

OLD, NEW = "ix_messages_status_direction_timestamp_id", "ix_messages_status_with_type_and_number"
COLUMNS = ["status", "direction", "timestamp", "id"]
MORE = ["message_type", "phone_number_id"]
HOUR, DAY = 3600, 86400
DAY_OF = {
    "postgresql": "date_trunc('day', starts_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'",
    "sqlite": "starts_at / 86400000000 * 86400000000",
}


def upgrade() -> None:
    """Make them."""
    dialect = op.get_bind().dialect.name
    op.create_index(NEW, "messages", COLUMNS + MORE)
    op.drop_index(OLD, "messages")
    _tell_sqlite(OLD, NEW, "1000000 150000 100000 2 1 1 1")
    day = DAY_OF[dialect]
    op.execute(sa.text(
        "INSERT INTO traffic (seconds, starts_at, phone_number_id, what, times, took, longest)"
        f" SELECT {DAY}, {day}, phone_number_id, what, sum(times), sum(took), max(longest)"
        f" FROM traffic WHERE seconds = {HOUR} GROUP BY {day}, phone_number_id, what"
    ))  # fmt: skip


def downgrade() -> None:
    """Take them away again."""
    op.execute(f"DELETE FROM traffic WHERE seconds = {DAY}")
    op.create_index(OLD, "messages", COLUMNS)
    op.drop_index(NEW, "messages")
    _tell_sqlite(NEW, OLD, "1000000 150000 100000 2 1")


def _tell_sqlite(old: str, new: str, rows: str) -> None:
    """See 0004: what SQLite is to think of an index."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DELETE FROM sqlite_stat1 WHERE idx = '{old}'")
        op.execute(f"INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('messages', '{new}', '{rows}')")

"""Index queued messages and contacts for search, shortly after they were written."""

from __future__ import annotations

from app.db.database import Database
from app.store import contact_search, message_search

BATCH_SIZE = 150
"""Messages per transaction. On SQLite each blocks other writers, for some 10 ms."""


def index_messages(database: Database) -> bool:
    """Index a batch of queued messages; False when none was queued. Raises `Unavailable`."""
    if not message_search.any_waiting(database):
        return False
    with database.read() as session:
        waiting = message_search.queued(session, BATCH_SIZE)
        ids = [each.id for each in waiting] or message_search.queued_ids(session)
        rows = message_search.documents(session, waiting)
    if not ids:
        return False
    with database.write() as session:
        taken = message_search.dequeue(session, ids)
        rows = [row for row in rows if row["message_id"] in taken]
        if rows:
            message_search.add(session, rows)
    return True


def index_contacts(database: Database) -> bool:
    """Index a batch of queued contacts; False when none was queued. Raises `Unavailable`."""
    if not contact_search.any_waiting(database):
        return False
    with database.write() as session:
        return contact_search.write_words(session, BATCH_SIZE)

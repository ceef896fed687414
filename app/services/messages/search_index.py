"""Writing the words by which messages and contacts are found, a moment after these themselves."""

from __future__ import annotations

from app.db.database import Database
from app.store import contact_search, message_search

AT_ONCE = 150
"""Messages of one transaction: on SQLite it keeps others waiting, for some 10 ms."""


def index_messages(database: Database) -> bool:
    """Write the words of some messages that wait for it; False when none did. Raises `Unavailable`."""
    if not message_search.any_waiting(database):
        return False
    with database.read() as session:
        waiting = message_search.waiting(session, AT_ONCE)
        ids = [each.id for each in waiting] or message_search.ids_waiting(session)
        rows = message_search.documents(session, waiting)
    if not ids:
        return False
    with database.write() as session:
        taken = message_search.take(session, ids)
        rows = [row for row in rows if row["message_id"] in taken]
        if rows:
            message_search.add(session, rows)
    return True


def index_contacts(database: Database) -> bool:
    """Write the words of some contacts that wait for it; False when none did. Raises `Unavailable`."""
    if not contact_search.any_waiting(database):
        return False
    with database.write() as session:
        return contact_search.write_words(session, AT_ONCE)

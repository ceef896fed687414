"""The full-text index of messages on SQLite, as a thing to be kept in order."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

PAGES = 200
"""About how many pages one step merges, so that it holds the write lock for a moment only."""


def merge(session: Session, *, is_first: bool) -> bool:
    """Merge a part of the index, and with it drop the words of rows that are gone; return whether there is more.

    The first step says that everything is to be merged into one. FTS5 writes fewer than two rows when nothing is left.
    """
    before = session.scalar(text("SELECT total_changes()")) or 0
    pages = -PAGES if is_first else PAGES
    session.execute(text("INSERT INTO search_index (search_index, rank) VALUES ('merge', :pages)"), {"pages": pages})
    after = session.scalar(text("SELECT total_changes()")) or 0
    return bool(after - before >= 2)

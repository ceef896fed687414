"""Maintenance of SQLite's full-text index of messages."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

PAGES = 200
"""Pages that one step merges, approximately; few enough to hold the write lock for a moment only."""


def merge(session: Session, *, is_first: bool) -> bool:
    """Merge a part of the index, which drops the words of deleted rows; return whether there is more to merge.

    The first step (`is_first`) starts a merge of everything. FTS5 changes fewer than two rows once nothing is left
    (SQLite: fts5, "The 'merge' Command").
    """
    before = session.scalar(text("SELECT total_changes()")) or 0
    pages = -PAGES if is_first else PAGES
    session.execute(text("INSERT INTO search_index (search_index, rank) VALUES ('merge', :pages)"), {"pages": pages})
    after = session.scalar(text("SELECT total_changes()")) or 0
    return bool(after - before >= 2)

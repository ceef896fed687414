"""Read the audit log: pages for the API, and the whole for an export."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.db.database import Database
from app.domain.audit_chain import START
from app.models import AuditEntry
from app.store import audit_log
from app.store.audit_log import AuditFilter


def list_entries(database: Database, wanted: AuditFilter, *, limit: int, before: int | None) -> list[AuditEntry]:
    """Return a page of entries, newest first, after the one with the id `before`. Raises `Unavailable`."""
    with database.read() as session:
        return audit_log.page(session, wanted, limit=limit, before=before)


def export_entries(database: Database) -> Iterator[dict[str, Any]]:
    """Yield the lines of an export, oldest first: `{"base": …}`, the sealed entries, and `{"end": …}`.

    The first and last line have place and hash of the chain's ends, so that a file that was cut off is noticed. All
    lines are of one snapshot. Raises `Unavailable`.
    """
    with database.snapshot() as session:
        head = audit_log.find_head(session)
        base = (head.base_place, head.base_hash) if head else (0, START)
        yield {"base": dict(zip(("place", "hash"), base, strict=True))}
        for entry in audit_log.chain(session):
            yield {
                "place": entry.place,
                "at": entry.at.isoformat(timespec="microseconds"),
                "actor": entry.actor,
                "act": entry.act,
                "subject": entry.subject,
                "details_text": entry.details,
                "salt": entry.salt,
                "commitment": entry.commitment,
                "hash": entry.hash,
            }
        yield {"end": {"place": head.place if head else 0, "hash": head.hash if head else START}}

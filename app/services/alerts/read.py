"""Read alerts for the API."""

from __future__ import annotations

from app.db.database import Database
from app.models import Alert
from app.store import alerts


def list_alerts(
    database: Database,
    *,
    limit: int,
    before: tuple[bool, str] | None,
    is_open: bool | None,
    numbers: tuple[str, ...] | None,
) -> list[Alert]:
    """Return up to `limit` alerts after the cursor `before`, open ones first. Raises `Unavailable`.

    `numbers` selects alerts about these numbers, for keys that are bound to numbers; None selects all.
    """
    with database.read() as session:
        return alerts.page(session, limit=limit, before=before, is_open=is_open, numbers=numbers)

"""Reading events for the API."""

from __future__ import annotations

from app.database import Database
from app.models import Event
from app.store import event_list, events


def list_events(
    database: Database,
    *,
    limit: int,
    after: int | None,
    before: int | None,
    type: str | None,
    numbers: tuple[str, ...] | None,
) -> list[Event]:
    """Ascending from `after`, or newest first below `before`. Raises `Unavailable`."""
    with database.read() as session:
        return event_list.page(session, limit=limit, after=after, before=before, type=type, numbers=numbers)


def newest_place(database: Database) -> int:
    """The place of the newest event. Raises `Unavailable`."""
    with database.read() as session:
        return events.last_sequence(session)

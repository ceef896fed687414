"""Is the service fit to take requests, and is anybody working on what it took?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from app import migrations
from app.database import Database
from app.errors import Unavailable
from app.store import workers

WORKER_SILENT_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Health:
    """`database` and `schema` decide readiness. The worker does not: webhooks are kept without one."""

    database: bool
    schema: bool
    worker: str
    worker_seen_at: datetime | None = None
    oldest_due_at: datetime | None = None


def check_health(database: Database, now: datetime) -> Health:
    """Ask the database. Never raises for a database that is away."""
    try:
        with database.read() as session:
            if migrations.current(session.connection()) != _head():
                return Health(True, False, "unknown")
            seen_at = workers.last_seen(session)
            oldest = workers.oldest_due(session, now)
    except Unavailable:
        return Health(False, False, "unknown")
    alive = seen_at is not None and now - seen_at < WORKER_SILENT_AFTER
    return Health(True, True, "running" if alive else "missing", seen_at, oldest)


@cache
def _head() -> str:
    return migrations.head()

"""Determine whether the service can accept requests, and whether a worker processes the accepted ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app import migrations
from app.db.database import Database
from app.db.failures import Trouble
from app.errors import Unavailable
from app.ids import new_id
from app.migrations import Fit
from app.store import send_facts, workers

WORKER_SILENT_AFTER = timedelta(seconds=15)
"""After how long without a heartbeat a worker counts as missing: three intervals of its heartbeat."""

_UNFIT = {Fit.TOO_OLD: Trouble.NO_TABLES, Fit.TOO_NEW: Trouble.LATER_SCHEMA}


@dataclass(frozen=True, slots=True)
class Health:
    """Readiness depends on `database` (it can be read and written) and `schema`; `reason` says why one is false.

    It does not depend on the worker, because webhooks are stored without one.
    """

    database: bool
    schema: bool
    worker: str
    worker_seen_at: datetime | None = None
    oldest_due_at: datetime | None = None
    reason: str | None = None
    oldest_send_at: datetime | None = None
    unreachable: int = 0
    without_token: int = 0


def check_health(database: Database, now: datetime) -> Health:
    """Read the database, and write to it unless a recent write shows whether that works.

    Problems of the database are returned and not raised.
    """
    try:
        with database.read() as session:
            reason = _UNFIT.get(migrations.fit(session.connection()))
            if reason:
                return Health(True, False, "unknown", reason=reason)
            seen_at = workers.last_seen(session)
            oldest = workers.oldest_due(session, now)
            oldest_send = send_facts.oldest_due_of_all(session, now)
            unreachable, without_token = send_facts.stopped(session)
    except Unavailable as error:
        is_there = error.reason == Trouble.NO_TABLES
        return Health(is_there, False, "unknown", reason=error.reason)
    trouble = _trouble_of_writing(database, now)
    alive = seen_at is not None and now - seen_at < WORKER_SILENT_AFTER
    return Health(
        not trouble, True, "running" if alive else "missing", seen_at, oldest, trouble or None, oldest_send,
        unreachable, without_token,
    )  # fmt: skip


def _trouble_of_writing(database: Database, now: datetime) -> str:
    """Return why the database cannot be written, "" if it can. Makes a test write at most every few seconds."""
    writes = database.writes
    if writes.is_known():
        return writes.trouble
    found = writes.look_at_disk()
    if found is not None:
        writes.failed(found)
        return found
    try:
        with database.write() as session:
            workers.write_and_take_back(session, new_id(), now)
    except Unavailable as error:
        return error.reason
    return ""

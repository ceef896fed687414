"""How the gateway does at this moment: its worker, its queues, and what waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.db.database import Database
from app.services.delivering import EndpointBacklog, read_backlogs
from app.services.operations.readiness import WORKER_SILENT_AFTER
from app.store import backlogs, upkeep, workers
from app.store.notifications import PROCESS


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in one queue. `lag_seconds` is for how long the first has been due; 0.0 if none is.

    `waiting` stops at `most`: there may be more.
    """

    waiting: int
    lag_seconds: float
    most: int = backlogs.MOST


@dataclass(frozen=True, slots=True)
class LastAudit:
    """The last nightly audit: when it ran, and how many problems it found; 0 if the books balanced."""

    checked_at: datetime
    problems: int


@dataclass(frozen=True, slots=True)
class Overview:
    """`worker` is `running` or `missing`. `held` sends wait for a person; `dead` deliveries are no longer tried.

    `audit` is None before the first night.
    """

    at: datetime
    worker: str
    worker_seen_at: datetime | None
    webhooks: Backlog
    sends: Backlog
    deliveries: Backlog
    held: int
    dead: int
    open_alerts: int
    audit: LastAudit | None


def read_overview(database: Database, now: datetime) -> Overview:
    """Return the state of the queues. Raises `Unavailable`. Its cost does not grow with the tables."""
    owed = read_backlogs(database, now)
    with database.read() as session:
        seen_at = workers.last_seen(session)
        alive = seen_at is not None and now - seen_at < WORKER_SILENT_AFTER
        return Overview(
            now,
            "running" if alive else "missing",
            seen_at,
            _backlog(now, *backlogs.webhooks(session, PROCESS, now)),
            _backlog(now, *backlogs.sends(session, now)),
            _sum(now, owed),
            backlogs.held(session),
            sum(each.dead for each in owed),
            backlogs.open_alerts(session),
            _last_audit(session),
        )


def _last_audit(session: Session) -> LastAudit | None:
    row = upkeep.find(session, upkeep.BALANCE)
    if row is None or row.at is None or row.place is None or not row.place.isdigit():
        return None
    return LastAudit(row.at, int(row.place))


def _sum(now: datetime, owed: list[EndpointBacklog]) -> Backlog:
    first = min((each.due_since for each in owed if each.due_since is not None), default=None)
    return _backlog(now, min(sum(each.pending for each in owed), backlogs.MOST), first)


def _backlog(now: datetime, waiting: int, oldest: datetime | None) -> Backlog:
    return Backlog(waiting, max((now - oldest).total_seconds(), 0.0) if oldest else 0.0)

"""How much each endpoint is owed at the moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.db.database import Database
from app.store import backlogs, endpoints


@dataclass(frozen=True, slots=True)
class EndpointBacklog:
    """Deliveries to one endpoint that are `pending`, the first of them due since `due_since`, and those given up.

    Each count stops at `store.backlogs.MOST`.
    """

    endpoint_id: str
    pending: int
    due_since: datetime | None
    dead: int
    stale: int


def read_backlogs(database: Database, now: datetime) -> list[EndpointBacklog]:
    """Return what each endpoint is owed, in the order of `ManageEndpoints.list`. Raises `Unavailable`."""
    with database.read() as session:
        return [
            EndpointBacklog(
                row.id,
                *backlogs.deliveries(session, row.id, now),
                backlogs.undelivered(session, row.id, "dead"),
                backlogs.undelivered(session, row.id, "stale"),
            )
            for row in reversed(endpoints.all_endpoints(session))
        ]

"""Work that was promised and does not move although a worker is alive: the tallies alone would balance.

A worker may be alive and useless: behind a pooler that mixes up its statements, with a lock that somebody forgot, or on
a row that ends its process each time. Work that merely waits in a queue that moves is none of this.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.store import standstill, workers
from app.store.notifications import PROCESS

LONG = timedelta(minutes=10)
"""How long something must have been waiting."""

IDLE = timedelta(minutes=5)
"""For how long nothing of its kind may have moved."""


@dataclass(frozen=True, slots=True)
class Standstill:
    """What stands still: `webhooks`, or `deliveries` to the endpoint `subject`; how many, and since when the first."""

    kind: str
    subject: str
    count: int
    since: datetime

    def __str__(self) -> str:
        to = f" to endpoint {self.subject}" if self.subject else ""
        what = "answered 200 and not processed" if self.kind == "webhooks" else "due, and no worker takes them"
        number = f"{self.count} or more" if self.count >= 1000 else f"{self.count}"
        return f"{self.kind}{to}: {number} {what} since {self.since:%Y-%m-%d %H:%M} UTC, though a worker is alive"


def find_standstill(session: Session, now: datetime) -> list[Standstill]:
    """Return what stands still. Empty while no worker is alive: then everything waits, and `/readyz` says why."""
    seen = workers.last_seen(session)
    if seen is None or seen <= now - workers.SILENT_AFTER:
        return []
    found = []
    if waiting := standstill.webhooks(session, PROCESS, now - LONG, now - IDLE):
        found.append(Standstill("webhooks", "", waiting.pieces, waiting.since))
    for endpoint_id, each in sorted(standstill.deliveries(session, now - LONG).items()):
        found.append(Standstill("deliveries", endpoint_id, each.pieces, each.since))
    return found

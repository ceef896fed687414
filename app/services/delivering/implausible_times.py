"""Repair deliveries that no worker would claim: those with an impossible due time, and batch members without leader."""

from __future__ import annotations

from datetime import datetime

from app.db.database import Database
from app.store import delivery_upkeep

BATCH_SIZE = 500


def reset_implausible(database: Database, now: datetime) -> int:
    """Make such deliveries due now, at most 500 of each kind, and return their number. Raises `Unavailable`.

    Impossible times come from a wrong clock. No known fault leaves a member without a leader; this repair makes sure
    that such a delivery would be late, not lost.
    """
    with database.read() as session:
        ids = delivery_upkeep.implausible(session, now, BATCH_SIZE)
        ids += delivery_upkeep.orphaned_members(session, BATCH_SIZE)
    if ids:
        with database.write() as session:
            delivery_upkeep.make_due(session, ids, now)
    return len(ids)

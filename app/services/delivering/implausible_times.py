"""Repair deliveries that no worker would claim: with a due time that cannot be true, or members without a leader."""

from __future__ import annotations

from datetime import datetime

from app.db.database import Database
from app.store import delivery_upkeep

BATCH_SIZE = 500


def reset_implausible(database: Database, now: datetime) -> int:
    """Make such deliveries due now, and return their number. Raises `Unavailable`.

    Times that cannot be true are written by a wrong clock. No known fault leaves a member without a leader; if one
    did, the delivery would be late, not lost.
    """
    with database.read() as session:
        ids = delivery_upkeep.implausible(session, now, BATCH_SIZE)
        ids += delivery_upkeep.orphaned_members(session, BATCH_SIZE)
    if ids:
        with database.write() as session:
            delivery_upkeep.make_due(session, ids, now)
    return len(ids)

"""Retry several chosen deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.db.database import Database
from app.errors import NotFound, WrongState
from app.services.delivering.replay import retry_delivery


def retry_deliveries(database: Database, ids: Sequence[int], now: datetime) -> tuple[int, int]:
    """Make these deliveries due now, each in a transaction of its own: the write lock is held shortly.

    Returns how many are due, and how many could not be: those that were delivered meanwhile, or do not exist.
    """
    retried = 0
    for delivery_id in ids:
        try:
            retry_delivery(database, delivery_id, now)
        except (NotFound, WrongState):
            continue
        retried += 1
    return retried, len(ids) - retried

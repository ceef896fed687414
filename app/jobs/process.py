"""Process stored notifications whose jobs are due."""

from __future__ import annotations

from collections.abc import Callable

from app.container import Gateway
from app.services.processing import LEASE, claim_in_order
from app.store import jobs
from app.store.notifications import PROCESS

BATCH_SIZE = 256
"""Notifications claimed at once."""


def process_due(gateway: Gateway, should_stop: Callable[[], bool]) -> int:
    """Claim a batch of due notifications and process it. Returns how many were claimed. Raises `Unavailable`."""
    now = gateway.now()
    if not jobs.any_due(gateway.database, PROCESS, now):
        return 0
    claims = claim_in_order(gateway.database, now, LEASE, BATCH_SIZE)
    if claims:
        gateway.process(claims, should_stop)
    return len(claims)

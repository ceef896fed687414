"""Find kept notifications and have them processed."""

from __future__ import annotations

from collections.abc import Callable

from app.container import Gateway
from app.services.processing.claim import claim_in_order
from app.services.processing.processor import LEASE
from app.store import jobs
from app.store.notifications import PROCESS

BATCH = 256


def process_due(gateway: Gateway, should_stop: Callable[[], bool]) -> bool:
    """Claim a batch of due notifications and process it; False when nothing was due."""
    now = gateway.now()
    if not jobs.any_due(gateway.database, PROCESS, now):
        return False
    claims = claim_in_order(gateway.database, now, LEASE, BATCH)
    if claims:
        gateway.process(claims, should_stop)
    return bool(claims)

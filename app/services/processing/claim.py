"""Claim due notifications, except those of a contact with an earlier notification that is not finished."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.db.database import Database
from app.domain.order_keys import Taken
from app.store import jobs
from app.store.jobs import Claim, Waiting
from app.store.notifications import PROCESS

SCAN_SIZE = 1024
"""Notifications read in one statement, so that an earlier one is always seen with a later one. Those that other workers
have claimed come first among them: at 256 each, this suffices for four workers during a backlog. A worker that
runs alone finds enough among the first `limit`, and reads no further."""


def claim_in_order(database: Database, now: datetime, lease: timedelta, limit: int) -> list[Claim]:
    """Claim at most `limit` due notifications until `now + lease`, in the order in which they were received.

    One worker at a time processes the notifications of a contact, in that order, whatever number of workers runs and
    whichever of them dies: a notification waits while an earlier one that names the same person is claimed, or is due
    again later. Raises `Unavailable`.
    """
    chosen = _choose(database, now, limit)
    if not chosen:
        return []
    keys = {job.id: job.order_keys for job in chosen}
    with database.write() as session:
        claims = jobs.claim_these(session, PROCESS, list(keys), now=now, lease=lease)
        late = _overtaking(claims, keys)
        if late:
            jobs.undo_claim(session, late, now)
    return [claim for claim in claims if claim not in late] if late else claims


def _choose(database: Database, now: datetime, limit: int) -> list[Waiting]:
    """Return the jobs that may be claimed. Takes no lock, so that idle workers do not block others."""
    for size in (limit, SCAN_SIZE):
        with database.read() as session:
            found = jobs.unfinished(session, PROCESS, size)
        chosen = _free(found, now, limit)
        if len(chosen) == limit or len(found) < size:
            break
    return chosen


def _free(found: list[Waiting], now: datetime, limit: int) -> list[Waiting]:
    taken, latest = Taken(), jobs.latest(PROCESS, now)
    chosen: list[Waiting] = []
    for job in found:
        if now < job.due_at <= latest or taken.blocks(job.order_keys):
            taken.add(job.order_keys)
        elif len(chosen) < limit:
            chosen.append(job)
    return chosen


def _overtaking(claims: list[Claim], keys: dict[int, str | None]) -> list[Claim]:
    """Return the claims that would overtake a job that another worker claimed after both had chosen the same jobs."""
    mine = {claim.job_id: claim for claim in claims}
    taken, late = Taken(), []
    for job_id in sorted(keys):
        claim = mine.get(job_id)
        if claim is None or taken.blocks(keys[job_id]):
            taken.add(keys[job_id])
            late += [claim] if claim is not None else []
    return late

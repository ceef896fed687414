"""Which notifications this worker takes: due ones, but none of a contact of whom an earlier one is not done."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.db.database import Database
from app.domain.order_keys import Taken
from app.store import jobs
from app.store.jobs import Claim, Waiting
from app.store.notifications import PROCESS

LOOK = 1024
"""How many notifications are looked at, in one statement, so that an earlier one is always seen with a later one. What
other workers have comes first among them: at 256 each, room for four workers during a backlog. A worker that is alone
finds what it wants among the first, and looks no further."""


def claim_in_order(database: Database, now: datetime, lease: timedelta, limit: int) -> list[Claim]:
    """Claim at most `limit` due notifications until `now + lease`, in the order in which they came.

    What is said of a contact is so worked on by one worker at a time, in that order, however many there are and
    whichever of them dies: a notification waits while an earlier one that names the same person is claimed, or was
    given back for a later time. Raises `Unavailable`.
    """
    chosen = _choose(database, now, limit)
    if not chosen:
        return []
    keys = {job.id: job.order_keys for job in chosen}
    with database.write() as session:
        claims = jobs.claim_these(session, PROCESS, list(keys), now=now, lease=lease)
        late = _overtaking(claims, keys)
        if late:
            jobs.unclaim(session, late, now)
    return [claim for claim in claims if claim not in late] if late else claims


def _choose(database: Database, now: datetime, limit: int) -> list[Waiting]:
    """What may be claimed. Takes no lock, so that workers who have nothing to do keep nobody waiting."""
    for look in (limit, LOOK):
        with database.read() as session:
            found = jobs.unfinished(session, PROCESS, look)
        chosen = _free(found, now, limit)
        if len(chosen) == limit or len(found) < look:
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
    """Claims that would overtake what another worker got of the same choice a moment before."""
    mine = {claim.job_id: claim for claim in claims}
    taken, late = Taken(), []
    for job_id in sorted(keys):
        claim = mine.get(job_id)
        if claim is None or taken.blocks(keys[job_id]):
            taken.add(keys[job_id])
            late += [claim] if claim is not None else []
    return late

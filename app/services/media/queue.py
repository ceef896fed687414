"""The queue of files to fetch: claim due ones fairly, record results, delete contents that nothing uses."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import uniform
from typing import NamedTuple

from sqlalchemy.orm import Session

from app import metrics
from app.db.database import Database
from app.domain.media import MediaState
from app.errors import GatewayError
from app.logs import get_logger
from app.services.media.fetch import Fetched, state_of
from app.store import jobs, media, media_sizes
from app.store.jobs import Claim
from app.store.media import WantedFile
from app.vault import Vault

LEASE = timedelta(seconds=60)
"""Lease of a fetch, renewed while it runs: after a worker died, others fetch its files within this time."""

PAUSES = tuple(timedelta(seconds=each) for each in (1, 5, 20, 60, 300, 900, 1800, 3600, 7200, 14_400, 21_600))
"""Pauses before a file is fetched again, by attempt; the last one until Meta's copy dies."""

CANDIDATES = 256
"""How many due files are looked at, to share the fetches among numbers."""

DISCARDS = 64
"""How many contents are deleted from the vault in one go."""

logger = get_logger(__name__)


class Wanted(NamedTuple):
    """A file to fetch, and the claim on its job."""

    claim: Claim
    file: WantedFile


class FetchQueue:
    """Claims and settles fetches. Every method raises `Unavailable` when the database cannot be used."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def claim(self, kind: str, limit: int) -> list[Wanted]:
        """Claim at most `limit` due files: one of each number in turn, each number's oldest first."""
        now = self._now()
        if limit <= 0 or not jobs.any_due(self._database, kind, now):
            return []
        with self._database.read() as session:
            due = media.due(session, kind, now, CANDIDATES)
        with self._database.write() as session:
            claims = jobs.claim_these(session, kind, _in_turn(due, limit), now=now, lease=LEASE)
        if not claims:
            return []
        with self._database.read() as session:
            files = media.wanted(session, [claim.subject_id for claim in claims])
        orphaned = [claim for claim in claims if claim.subject_id not in files]
        if orphaned:  # erased meanwhile
            with self._database.write() as session:
                jobs.finish(session, orphaned)
        return [Wanted(claim, files[claim.subject_id]) for claim in claims if claim.subject_id in files]

    def renew(self, claims: Sequence[Claim]) -> None:
        """Extend the leases of fetches that run; those of lost claims are left."""
        with self._database.write() as session:
            try:
                jobs.renew(session, claims, self._now() + LEASE)
            except jobs.ClaimLost:
                logger.warning("a claim on a fetch is lost; another worker has it")

    def release(self, claims: Sequence[Claim]) -> None:
        """Let other workers have these files at once: this one stops."""
        with self._database.write() as session:
            jobs.release(session, claims, self._now())

    def record(self, results: Sequence[Fetched]) -> None:
        """Record what became of fetches, in one transaction."""
        with self._database.write() as session:
            for result in sorted(results, key=lambda each: each.sha256):
                self._record(session, result)
        for result in results:
            state = state_of(result, self._now())
            metrics.media_fetches.labels(str(state)).inc()
            if state is MediaState.STORED:
                metrics.media_lag_seconds.observe(max((self._now() - result.file.created_at).total_seconds(), 0.0))
            elif state is not MediaState.PENDING:
                logger.warning("a file cannot be had", extra={"media_id": result.file.id, "reason": result.reason})

    def _record(self, session: Session, result: Fetched) -> None:
        now, state = self._now(), state_of(result, self._now())
        try:
            if state is MediaState.PENDING:
                # Spread, so that files that failed together do not come back together.
                pause = PAUSES[min(result.claim.attempts, len(PAUSES)) - 1] * uniform(0.8, 1.2)
                due_at = min(now + pause, result.file.expires_at + timedelta(seconds=1))
                jobs.release(session, [result.claim], due_at, result.reason)
                media.change(session, result.file.id, {"reason": result.reason})
                return
            jobs.finish(session, [result.claim])
        except jobs.ClaimLost:  # another worker fetched it, or the file was erased
            if result.key is not None:
                media.discard(session, [result.key], now)
            return
        values: dict[str, object] = {"state": state, "reason": result.reason or None, "url": None}
        if result.key is not None:
            kept = media.share(session, result.sha256, result.key, result.size, result.kind, now)
            if kept != result.key:
                media.discard(session, [result.key], now)
            values |= {"sha256": result.sha256, "size": result.size, "mime_type": result.kind.mime_type}
            values |= {"stored_at": now}
        media.change(session, result.file.id, values)
        if result.key is not None:
            media_sizes.set_size(session, result.file.id, result.size)


class DiscardContents:
    """Deletes contents from the vault that no file uses any more. They were released in earlier transactions."""

    def __init__(self, database: Database, vault: Vault, now: Callable[[], datetime]) -> None:
        self._database = database
        self._vault = vault
        self._now = now

    def __call__(self) -> bool:
        """Delete a batch of them; return False if none was due. What cannot be deleted now is tried again later."""
        now = self._now()
        if not jobs.any_due(self._database, media.DISCARD, now):
            return False
        with self._database.write() as session:
            claims = jobs.claim(session, media.DISCARD, now=now, lease=LEASE, limit=DISCARDS)
        done, failed = [], []
        for claim in claims:
            try:
                self._vault.delete(claim.subject_id)
                done.append(claim)
            except GatewayError as error:
                logger.warning("a content cannot be deleted; trying again", extra={"reason": error.message})
                failed.append(claim)
        with self._database.write() as session:
            jobs.finish(session, done)
            jobs.release(session, failed, self._now() + timedelta(minutes=5), "the vault cannot be used")
        return bool(claims)


def _in_turn(due: Sequence[tuple[int, str]], limit: int) -> list[int]:
    """Return at most `limit` jobs of pairs of job and number: the first of each number, then the second, and so on."""
    by_number: dict[str, deque[int]] = {}
    for job_id, number in due:
        by_number.setdefault(number, deque()).append(job_id)
    chosen: list[int] = []
    while by_number and len(chosen) < limit:
        for number in list(by_number):
            chosen.append(by_number[number].popleft())
            if not by_number[number]:
                del by_number[number]
    return chosen[:limit]

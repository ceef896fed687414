"""Delete contents from the vault that no row names: a process died after it stored them, or a backup was put back."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from app.db.database import Database
from app.logs import get_logger
from app.store import media, media_keys, upkeep
from app.vault import Vault, VaultUnavailable

GRACE = timedelta(days=1)
"""Younger contents are left alone: a row may be written for them yet."""

EVERY = timedelta(days=1)

STEP = 200
"""How many contents are looked up, and how many deleted, in one transaction."""

REST = 9
"""The pause after a step, in multiples of its duration."""

MOST = 10_000
"""How many orphans one pass deletes; the next one goes on."""

FEW, SHARE = 20, 0.1
"""More orphans than both are not what crashes leave: then another gateway may use the vault, and nothing is deleted."""

logger = get_logger(__name__)


class SweepOrphans:
    """Once a day, of several workers one reads the names of all contents and deletes those that no row names.

    What was missing and is there again, because a copy was put back, gets its small picture after all.

    Contents of another gateway, or of a database that a restore replaced, look the same. So each database signs the
    vault it uses, and nothing is swept in one that another database has signed, too.
    """

    def __init__(self, database: Database, vault: Vault, now: Callable[[], datetime]) -> None:
        self._database = database
        self._vault = vault
        self._now = now

    def __call__(self, wait: Callable[[float], object], is_stopping: Callable[[], bool] = lambda: False) -> int:
        """Make a pass if one is due, with `wait` between its steps; return how many contents were given to deletion.

        A store that does not answer puts the pass off. Raises `Unavailable`.
        """
        if not self._has_turn():
            return 0
        try:
            return self._pass(wait, is_stopping) if self._is_ours_alone() else 0
        except VaultUnavailable as error:
            reason = (error.meta or {}).get("reason") or error.message
            logger.warning("the store of files cannot be swept; trying again", extra={"reason": reason})
            self._put_off()
            return 0

    def _pass(self, wait: Callable[[float], object], is_stopping: Callable[[], bool]) -> int:
        orphans: list[str] = []
        looked_at = 0
        keys = self._old_keys()
        while (portion := list(islice(keys, STEP))) and len(orphans) < MOST:
            if is_stopping():
                self._put_off()
                return 0
            started = time.perf_counter()
            with self._database.read() as session:
                orphans += media_keys.unnamed(session, portion)
                returned = media_keys.without_thumbnail(session, portion)
            if returned:
                with self._database.write() as session:
                    media_keys.want_thumbnails(session, returned)
            looked_at += len(portion)
            wait(REST * (time.perf_counter() - started))
        if len(orphans) > max(FEW, SHARE * looked_at):
            logger.warning(
                "many files in the store of files belong to no message; they are left, in case they are another"
                " gateway's: see docs/media.md", extra={"count": len(orphans)},
            )  # fmt: skip
            return 0
        return self._discard(sorted(orphans), wait)

    def _has_turn(self) -> bool:
        now = self._now()
        with self._database.read() as session:
            row = upkeep.find(session, upkeep.ORPHANS)
        if row is not None and row.at is not None and row.at > now - EVERY:
            return False
        with self._database.write() as session:
            upkeep.begin(session, upkeep.ORPHANS, now - 2 * EVERY)
            return upkeep.take_turn(session, upkeep.ORPHANS, now, now - EVERY)

    def _put_off(self) -> None:
        """Let the pass begin again, in this worker in an hour, in one that starts at once."""
        with self._database.write() as session:
            upkeep.note(session, upkeep.ORPHANS, at=self._now() - EVERY)

    def _is_ours_alone(self) -> bool:
        """Sign the vault; return whether nobody else did."""
        with self._database.write() as session:
            upkeep.begin(session, upkeep.VAULT_OWNER, self._now())
            row = upkeep.find(session, upkeep.VAULT_OWNER)
            if row is not None and row.place is None:
                row.place = secrets.token_hex(16)
            owner = row.place if row is not None and row.place else ""
        others = self._vault.owners() - {owner}
        self._vault.sign(owner)
        if others:
            logger.warning(
                "another database has files in this store of files, so none that is left over is deleted: see"
                " docs/media.md", extra={"count": len(others)},
            )  # fmt: skip
        return not others

    def _old_keys(self) -> Iterator[str]:
        before = (self._now() - GRACE).timestamp()
        return (key for key, written_at in self._vault.written() if written_at < before)

    def _discard(self, orphans: list[str], wait: Callable[[float], object]) -> int:
        count = 0
        for start in range(0, len(orphans), STEP):
            started = time.perf_counter()
            with self._database.write() as session:
                still = media_keys.unnamed(session, orphans[start : start + STEP])
                media.discard(session, sorted(still), self._now())
            count += len(still)
            wait(REST * (time.perf_counter() - started))
        if count:
            logger.info("files in the store that belong to no message are deleted", extra={"count": count})
        return count

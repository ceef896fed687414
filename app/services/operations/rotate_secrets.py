"""Encrypt stored secrets anew with the first key of `ENCRYPTION_KEY`, while everything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from app.config.settings import Config
from app.db.database import Database
from app.errors import WrongState
from app.models import WebSeen, WorkerSeen
from app.security.encryption import Encryptor
from app.services.audit_log import record_act
from app.services.erasures import ErasureLedger
from app.services.operations.shared_settings import KEY, hashes_of, key_hashes
from app.store import encrypted, workers
from app.store.encrypted import COLUMNS, Column

BATCH_SIZE = 50
"""Secrets that one transaction writes; each takes some microseconds, and is encrypted before."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many secrets are encrypted with the first key, how many of them by this call, and how many with no key that
    is here."""

    current: int
    rewritten: int
    unreadable: int


class RotateSecrets:
    """Rewrites secrets one by one. It may be stopped at any time and called again: it goes on with what is left.

    A secret that is changed meanwhile by somebody else keeps the change, which is encrypted with that process's first
    key; so `__call__` looks again until nothing is left.
    """

    def __init__(
        self, config: Config, database: Database, encryptor: Encryptor, ledger: ErasureLedger,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._config = config
        self._database = database
        self._encryptor = encryptor
        self._ledger = ledger
        self._now = now

    def __call__(self) -> Rotated:
        """Rewrite what is not encrypted with the first key. Raises `WrongState`, `Unavailable`.

        The former if a living process lacks the first key.
        """
        self._check_processes()
        rewritten = sum(self._rewrite(column) for column in COLUMNS)
        if rewritten:
            with self._database.write() as session:
                record_act(
                    session, self._now(), act="secrets.rotated", subject="secrets", details={"count": rewritten}
                )
        self._ledger.rewrite_file()
        found = self.count()
        return Rotated(found.current, rewritten, found.unreadable)

    def count(self) -> Rotated:
        """Count the stored secrets by how they are encrypted; those with an older key are in none of the counts."""
        current = unreadable = 0
        for column in COLUMNS:
            for batch in self._batches(column):
                for _, token in batch:
                    current += self._encryptor.is_current(token)
                    unreadable += not self._encryptor.can_decrypt(token)
        return Rotated(current, 0, unreadable)

    def _rewrite(self, column: Column) -> int:
        count = 0
        for batch in self._batches(column):
            old = [(key, token) for key, token in batch if not self._encryptor.is_current(token)]
            new = [
                (key, token, self._encryptor.encrypt_anew(token))
                for key, token in old
                if self._encryptor.can_decrypt(token)
            ]
            if new:
                with self._database.write() as session:
                    count += encrypted.replace(session, column, new)
        return count

    def _batches(self, column: Column) -> Iterator[list[tuple[tuple[str, ...], str]]]:
        after: tuple[str, ...] | None = None
        while True:
            with self._database.read() as session:
                batch = encrypted.batch(session, column, after, BATCH_SIZE)
            if not batch:
                return
            yield batch
            after = batch[-1][0]

    def _check_processes(self) -> None:
        """Raise `WrongState` if a living process cannot read what the first key encrypts."""
        first, now = hashes_of(self._config)[KEY][0], self._now()
        with self._database.read() as session:
            rows: list[WorkerSeen | WebSeen] = [*workers.living(session, now), *workers.living_web(session, now)]
            lacking = sorted({row.host or "?" for row in rows if first not in key_hashes(row)})
        if lacking:
            raise WrongState(
                "Processes are running that have not the first key of ENCRYPTION_KEY (on"
                f" {', '.join(lacking)}). Put the new key behind the old one, restart all; then in front, restart all;"
                " then rotate. After a kill a process counts as running for half a minute."
            )

"""Snapshots that a worker takes by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from app.config.settings import Config
from app.db import statement_timeout
from app.db.database import Database
from app.errors import GatewayError
from app.logs import get_logger
from app.services.backups.create import create_backup
from app.services.backups.media import MediaSource
from app.services.backups.places import FilePlace
from app.services.erasures import ErasureLedger
from app.store import upkeep
from app.vault import Vault

PREFIX, SUFFIX = "whatsapp-", ".backup"

logger = get_logger(__name__)


class TakeSnapshots:
    """Writes a backup to `BACKUP_DIR` every `BACKUP_EVERY_HOURS`, and keeps the newest `BACKUP_KEEP`."""

    def __init__(
        self, config: Config, database: Database, ledger: ErasureLedger, vault: Vault | None, version: str,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._config = config
        self._database = database
        self._ledger = ledger
        self._version = version
        self._files = MediaSource(database, vault) if vault is not None else None
        self._now = now

    def __call__(self) -> bool:
        """Write a snapshot if it is time; return whether one was written. Raises `Unavailable`.

        One that fails is logged and tried again after a period; a health check tells a person before that.
        """
        if not self._config.backup_dir or not self._is_my_turn():
            return False
        folder, now = Path(self._config.backup_dir), self._now()
        name = f"{PREFIX}{now:%Y%m%dT%H%M%SZ}{SUFFIX}{'.age' if self._config.backup_recipients else ''}"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with statement_timeout.of(None):
                made = create_backup(
                    self._database,
                    FilePlace(folder / name),
                    version=self._version,
                    now=now,
                    ledger=self._ledger.parts(),
                    files=self._files,
                    recipients=self._config.backup_recipients,
                )
        except (OSError, GatewayError) as error:
            logger.warning("no snapshot could be written", extra={"error": type(error).__name__})
            return False
        with self._database.write() as session:
            upkeep.note(session, upkeep.SNAPSHOT_WRITTEN, at=self._now(), place=name)
        for old in sorted(folder.glob(f"{PREFIX}*{SUFFIX}*"))[: -self._config.backup_keep]:
            old.unlink(missing_ok=True)
        logger.info("a snapshot was written", extra={"count": sum(made.rows.values())})
        return True

    def _is_my_turn(self) -> bool:
        now = self._now()
        before = now - timedelta(hours=self._config.backup_every_hours)
        with self._database.read() as session:
            row = upkeep.find(session, upkeep.SNAPSHOT)
        if row is not None and row.at is not None and row.at >= before:
            return False
        with self._database.write() as session:
            upkeep.begin(session, upkeep.SNAPSHOT, before - timedelta(seconds=1))
            return upkeep.take_turn(session, upkeep.SNAPSHOT, now, before)

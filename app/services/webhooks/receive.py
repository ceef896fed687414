"""Receive a webhook: verify its signature and commit its body before it is acknowledged."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime

from app import metrics
from app.db.database import Database
from app.db.group_commit import GroupCommit
from app.domain.order_keys import keys_of
from app.errors import BadSignature
from app.ids import new_id
from app.logs import get_logger
from app.security.meta_signatures import verify_meta_signature
from app.services.registries import NumberDirectory
from app.services.webhooks.bad_signatures import NoteBadSignatures
from app.store import notifications
from app.store.notifications import Kept

logger = get_logger(__name__)


class ReceiveNotification:
    """Verifies and stores webhooks. One instance per process, because concurrent callers share its commits."""

    def __init__(self, database: Database, directory: NumberDirectory, now: Callable[[], datetime]) -> None:
        self._database = database
        self._directory = directory
        self._now = now
        self._note_bad_signature = NoteBadSignatures(database, now)
        self._commits: GroupCommit[Kept] = GroupCommit(self._keep)

    def __call__(self, raw: bytes, signature: str | None, request_id: str) -> None:
        """Return once `raw` is committed, with the job that processes it.

        Raises `BadSignature` if no app secret of ours signed these bytes, and `Unavailable` if they could not be
        stored: the caller must then answer with an error, so that Meta sends the webhook again.
        """
        directory = self._directory.current
        signer = verify_meta_signature(directory.secrets, raw, signature)
        if signer is None:
            if signature:
                self._note_bad_signature(raw, directory)
            raise BadSignature
        kept = Kept(new_id(), self._now(), raw, directory.apps[signer], request_id, keys_of(raw))
        self._commits.add(kept)

    def _keep(self, take: Callable[[], list[Kept]]) -> None:
        started = time.perf_counter()
        with self._database.write_rows() as connection:
            rows = take()
            notifications.keep(connection, rows)
        metrics.notifications_kept.inc(len(rows))
        if logger.isEnabledFor(logging.DEBUG):
            duration_ms = round((time.perf_counter() - started) * 1000, 1)
            logger.debug("notifications kept", extra={"count": len(rows), "duration_ms": duration_ms})

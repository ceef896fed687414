"""Give new entries their place in the chain. Done by a worker, so that writers of entries never wait for each other."""

from __future__ import annotations

import time

from app.db.batch_size import ChunkSize
from app.db.database import Database
from app.domain.audit_chain import hash_of
from app.store import audit_log


class SealAuditLog:
    """Seals what was recorded since the last call. Several workers may call it at once; each entry gets one place."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._size = ChunkSize(is_sqlite=database.is_sqlite)

    def __call__(self) -> int:
        """Seal all waiting entries, and return their number. Takes the write lock only if there are any.

        An entry whose transaction was committed late gets a later place than its id suggests. Raises `Unavailable`.
        """
        count = 0
        while self._has_some():
            count += self._seal_some()
        return count

    def _has_some(self) -> bool:
        with self._database.read() as session:
            return audit_log.has_unsealed(session)

    def _seal_some(self) -> int:
        with self._database.write() as session:
            started = time.thread_time()
            head = audit_log.lock_head(session)
            rows = []
            for entry in audit_log.unsealed(session, self._size.value):
                head.place += 1
                head.hash = hash_of(audit_log.to_link(entry), head.place, head.hash)
                rows.append((entry.id, head.place, head.hash))
            if rows:
                audit_log.seal(session, rows)
        self._size.note(time.thread_time() - started, len(rows))
        return len(rows)

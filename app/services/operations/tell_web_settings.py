"""Publish the settings of a web process: hashes in a row of `web_processes`, which are compared with the workers'.

If the settings of a web process differ, the alert `settings_unequal` and `/readyz` report it. They have no effect on
other processes.
"""

from __future__ import annotations

import json
import platform
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from app.config.settings import Config
from app.db.database import Database
from app.errors import Unavailable
from app.ids import new_id
from app.logs import get_logger
from app.process import native_threads
from app.services.operations.shared_settings import hashes_of
from app.store import workers

TELL_SECONDS = 10.0
"""Interval of the heartbeats."""

FORGET_AFTER = timedelta(hours=1)
"""How long the row of a process without heartbeats is kept."""

HASHING_SECONDS = 60.0
"""Time limit of computing the hashes."""

logger = get_logger(__name__)


class TellWebSettings:
    """Publishes the settings of one web process every ten seconds, from its first request on."""

    def __init__(self, config: Config, database: Database, now: Callable[[], datetime]) -> None:
        self._config = config
        self._database = database
        self._now = now
        self._is_begun = False
        self._mutex = threading.Lock()
        self._id = ""
        self._joined_at: datetime | None = None
        self._settings = ""

    def begin(self) -> None:
        """Start the publishing thread unless it runs. Cheap; called by every request, because a fork ends threads."""
        if self._is_begun:
            return
        with self._mutex:
            if not self._is_begun:
                self._is_begun = True
                threading.Thread(target=self._keep_telling, name="web-settings", daemon=True).start()

    def tell(self) -> None:
        """Write this process's heartbeat and the hashes of its settings once. Raises `Unavailable`."""
        now = self._now()
        if self._joined_at is None:
            self._id, self._joined_at, self._settings = new_id(), now, self._hashes()
        with self._database.write() as session:
            workers.web_seen(
                session, self._id, now, now - FORGET_AFTER,
                joined_at=self._joined_at, host=platform.node(), settings=self._settings,
            )  # fmt: skip

    def _hashes(self) -> str:
        """Return the hashes as JSON. Computed in a native thread: slow hashes would block all requests under gevent."""
        found: list[str] = []
        native_threads.run(lambda: found.append(json.dumps(hashes_of(self._config))), HASHING_SECONDS)
        return found[0]

    def _keep_telling(self) -> None:
        while True:
            try:
                self.tell()
            except Unavailable:
                logger.debug("the settings of this process could not be told; trying again soon")
            except Exception:  # the thread must not end, or nothing would be published any more
                logger.exception("the settings of this process could not be told; trying again soon")
            time.sleep(TELL_SECONDS)

"""Record how much of its rate limits Graph says is used, without a write for each answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from app.db.database import Database
from app.domain.api_usage import ApiUsage
from app.errors import Unavailable
from app.logs import get_logger
from app.services.registries import NumberDirectory
from app.store import api_usage

PAUSE_SECONDS = 10.0
"""The shortest time between two writes of a process, whatever number of calls it makes."""

logger = get_logger(__name__)


class RecordApiUsage:
    """Records usage headers. Called after each answer of Graph that has any, never within a transaction."""

    def __init__(
        self,
        database: Database,
        directory: NumberDirectory,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._directory = directory
        self._now = now
        self._monotonic = monotonic
        self._unsaved: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._next_at = 0.0

    def __call__(self, token: str, said: Sequence[ApiUsage]) -> None:
        """Record the usage of the app that this token belongs to. Does not raise `Unavailable`."""
        numbers = self._directory.current.numbers.values()
        app = next((number.app for number in numbers if number.access_token == token), None)
        if app is None:
            return
        now = self._now()
        for usage in said:
            key = (app, usage.waba_id, usage.kind)
            self._unsaved[key] = asdict(usage) | {"app": app, "seen_at": now}
        if self._monotonic() >= self._next_at:
            self._next_at = self._monotonic() + PAUSE_SECONDS
            self._save()

    def _save(self) -> None:
        rows, self._unsaved = list(self._unsaved.values()), {}
        try:
            with self._database.write() as session:
                api_usage.save(session, rows)
        except Unavailable:
            logger.debug("Graph's usage could not be kept", extra={"count": len(rows)})

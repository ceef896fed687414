"""Keep one endpoint for each Python handler that the user's module registers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from app.db.database import Database
from app.domain.endpoints import Format
from app.domain.handlers import Handler
from app.handlers.pool import HandlerPool
from app.handlers.process import CannotLoad
from app.logs import get_logger
from app.models import Endpoint
from app.services.alerts import Alerts
from app.services.delivering import unblock_endpoint
from app.services.registries import HEALTHY, EndpointDirectory, changing, new_row
from app.store import alerts, delivery_retries, endpoints

BROKEN = "handlers_broken"
GONE = "the handler is no longer in the code"
PORTION = 200
"""Deliveries that one transaction changes, because it holds the write lock."""

logger = get_logger(__name__)


class SyncHandlers:
    """Loads the handlers' module and writes one endpoint for each handler. Called by a loop of the worker.

    As endpoints, handlers have deliveries, retries and health as apps have. If a handler is gone from the code, its
    endpoint is removed and its deliveries become dead letters. Without a `pool` there are no handlers.
    """

    def __init__(
        self,
        database: Database,
        directory: EndpointDirectory,
        alerts: Alerts,
        pool: HandlerPool | None,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._directory = directory
        self._alerts = alerts
        self._pool = pool
        self._now = now
        self._followed: tuple[Handler, ...] | None = None

    def __call__(self) -> bool:
        """Load the module if necessary, and write the endpoints if the handlers changed. Return False.

        A module that cannot be loaded raises an alert and is tried again by the next call. Raises `Unavailable`.
        """
        handlers = self._load() if self._pool is not None else ()
        if handlers is not None and handlers != self._followed:
            self._write(handlers)
            self._close_broken()
            self._followed = handlers
            if self._pool is not None:
                logger.info("handlers loaded", extra={"count": len(handlers)})
        return False

    def forget(self) -> None:
        """Write the endpoints again at the next call: another worker may have written its own meanwhile."""
        self._followed = None

    def _load(self) -> tuple[Handler, ...] | None:
        assert self._pool is not None
        try:
            self._pool.load()
        except CannotLoad as problem:
            logger.error("the handlers cannot be loaded; run `flask handlers check`", extra={"reason": problem.reason})
            self._followed = None
            self._alerts.raise_alert(BROKEN, self._pool.module, details={"reason": problem.reason})
        return self._pool.handlers

    def _close_broken(self) -> None:
        with self._database.read() as session:
            subjects = [alert.subject for alert in alerts.all_open(session) if alert.kind == BROKEN]
        for subject in subjects:
            self._alerts.close(BROKEN, subject)

    def _write(self, handlers: Sequence[Handler]) -> None:
        wanted = {handler.id: handler for handler in handlers}
        with self._database.read() as session:
            known = {row.id: row for row in endpoints.all_of(session, Format.HANDLER)}
        new = [self._new_row(handler) for id, handler in sorted(wanted.items()) if id not in known]
        changed = {id: self._changes(row, wanted.get(id)) for id, row in sorted(known.items())}
        if new or any(changed.values()):
            with changing(self._database) as session:
                for row in new:
                    endpoints.add_new(session, row)
                for id, changes in changed.items():
                    if changes:
                        endpoints.set_values(session, id, **changes)
            self._directory.forget()
        for id in sorted(wanted.keys() & known.keys()):  # events that failed before may succeed with the new code
            unblock_endpoint(self._database, id, self._now)
        for id in sorted(known.keys() - wanted.keys()):
            self._dead_letter(id)

    def _values(self, handler: Handler) -> dict[str, Any]:
        lists = {name: getattr(handler, name) for name in ("types", "statuses", "message_types")}
        return {
            "url": handler.name,
            "max_age_seconds": handler.max_age_seconds,
            "max_in_flight": self._pool.calls_each if self._pool is not None else None,
            "removed_at": None,
            **{name: None if words is None else list(words) for name, words in lists.items()},
        }

    def _new_row(self, handler: Handler) -> Endpoint:
        row = new_row(handler.id, self._now(), secret="")
        row.format = Format.HANDLER
        for name, value in self._values(handler).items():
            setattr(row, name, value)
        return row

    def _changes(self, row: Endpoint, handler: Handler | None) -> dict[str, Any]:
        """Return the columns to change. The health is reset: failures of earlier code say nothing about this code."""
        if handler is None:
            return {"removed_at": self._now()} if row.removed_at is None else {}
        values = self._values(handler)
        changes = {name: value for name, value in values.items() if getattr(row, name) != value}
        if changes:
            changes["updated_at"] = self._now()
        return changes | (HEALTHY if row.failures else {})

    def _dead_letter(self, id: str) -> None:
        """Dead-letter pending deliveries of a removed handler.

        Also done for one removed earlier: other processes may add deliveries until they notice the removal.
        """
        with self._database.read() as session:
            more = delivery_retries.has_pending(session, id)
        while more:
            with self._database.write() as session:
                more = delivery_retries.dead_letter(session, id, GONE, self._now(), PORTION)

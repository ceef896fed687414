"""Long polls: let hundreds of requests in a process wait for the next event.

One thread polls the database for all waiting requests, which hold no connection and make no query. It reads new events
once and completes a few matching requests per poll, so that many responses at once do not delay webhooks.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select

from app.db.database import Database
from app.errors import GatewayError, TooManyWaiting
from app.logs import get_logger
from app.models import Event
from app.models.base import table
from app.process import draining
from app.services.events.read import Filter, Place, list_after

LOOK_SECONDS = 0.1
"""Interval between two polls, which delays an event by up to this time."""

LEFT_SECONDS = 1.0
"""Interval between two checks for clients that have disconnected."""

MOST_WAITING, MOST_OF_KEY = 550, 500
"""Most waiting requests in a process, in all and per API key. Together with the inbox's streams below gunicorn's
`worker_connections`, because otherwise no connection would be left for webhooks."""

WOKEN_EACH = 20
"""Requests that one poll completes. Those that have waited longest come first."""

MOST_NEW = 500
"""Events that one query reads."""

_NEWEST = select(func.max(table(Event).c.sequence))

logger = get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Waiter:
    """A waiting request: its filter, the number after which it wants events, and the events found for it."""

    wanted: Filter
    after: int
    limit: int
    has_left: Callable[[], bool]
    found: list[Event] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def is_for(self, event: Event) -> bool:
        """Whether the request wants an event. The common poll may find events that the client has read already."""
        return event.sequence > self.after and self.wanted.takes(event)


class EventWaiters:
    """The waiting requests of one process. The polling thread runs only while requests wait, so never before a fork."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._waiters: dict[_Waiter, str] = {}
        self._of_key: Counter[str] = Counter()
        self._seen = 0
        self._is_looking = False

    def wait(
        self, wanted: Filter, *, limit: int, after: Place, seconds: float, key: str, has_left: Callable[[], bool]
    ) -> Sequence[Event]:
        """Wait up to `seconds` for events after a place, and return up to `limit` of them.

        Returns an empty list when the time is over, the client has disconnected (`has_left`) or the server stops. `key`
        is the name of the API key. Raises `TooManyWaiting`, `CursorGone` and `Unavailable`.
        """
        waiter = _Waiter(wanted, after.sequence, limit, has_left)
        self._enter(waiter, key)
        try:
            # Read after the request was registered: the common poll then finds every event committed after this read.
            found = list_after(self._database, wanted, limit=limit, after=after)
            if found:
                return found
            waiter.done.wait(seconds)
            return waiter.found
        finally:
            self._leave(waiter)

    def _enter(self, waiter: _Waiter, key: str) -> None:
        with self._lock:
            if len(self._waiters) >= MOST_WAITING or self._of_key[key] >= MOST_OF_KEY:
                raise TooManyWaiting
            if not self._is_looking:
                self._seen = self._newest()
                threading.Thread(target=self._run, name="events", daemon=True).start()
                self._is_looking = True
            self._waiters[waiter] = key
            self._of_key[key] += 1

    def _leave(self, waiter: _Waiter) -> None:
        with self._lock:
            key = self._waiters.pop(waiter)
            self._of_key[key] -= 1
            if not self._of_key[key]:
                del self._of_key[key]

    def _run(self) -> None:
        checked_at = time.monotonic()
        while self._go_on():
            time.sleep(LOOK_SECONDS)
            if not self._waiters:
                continue
            try:
                self._look()
                self._wake()
                if time.monotonic() - checked_at >= LEFT_SECONDS:
                    self._dismiss()
                    checked_at = time.monotonic()
            except GatewayError:
                continue  # the database cannot be used at the moment; the requests go on waiting
            except Exception as error:
                logger.exception("looking for events failed", extra={"error": type(error).__name__})

    def _go_on(self) -> bool:
        with self._lock:
            self._is_looking = bool(self._waiters)
            return self._is_looking

    def _newest(self) -> int:
        return self._database.look(_NEWEST, {}) or 0

    def _look(self) -> None:
        """Read new events and assign them to the requests. Numbers decrease only after a backup was restored."""
        newest = self._newest()
        if newest < self._seen:
            self._seen = newest
        while newest > self._seen:
            found = list_after(self._database, Filter(), limit=MOST_NEW, after=Place(self._seen))
            if not found:
                return
            for waiter in list(self._waiters):
                room = waiter.limit - len(waiter.found)
                if room > 0:
                    waiter.found += [event for event in found if waiter.is_for(event)][:room]
            self._seen = found[-1].sequence

    def _wake(self) -> None:
        is_ending = draining.is_draining()
        ready = [waiter for waiter in list(self._waiters) if is_ending or (waiter.found and not waiter.done.is_set())]
        for waiter in ready if is_ending else ready[:WOKEN_EACH]:
            waiter.done.set()

    def _dismiss(self) -> None:
        for waiter in list(self._waiters):
            if waiter.has_left():
                waiter.done.set()

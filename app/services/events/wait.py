"""Requests that wait for the next event, by the thousand.

One look at the database for all who wait in a process: whoever waits holds no connection and asks nothing. What is new
is read once, and handed to those it is for, a few at each look, so that a thousand readers who are woken at once do not
keep webhooks from being answered.
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
"""How late a reader may hear of an event."""

LEFT_SECONDS = 1.0
"""How soon it is noticed that a reader hung up."""

MOST_WAITING, MOST_OF_KEY = 800, 600
"""Of one process. Below gunicorn's `worker_connections`, or the last ones would have webhooks wait at the door."""

WOKEN_EACH = 20
"""At a look. Those who wait longest come first."""

MOST_NEW = 500

_NEWEST = select(func.max(table(Event).c.sequence))

logger = get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Waiter:
    """One request that waits, what it wants, after which number, and what was found for it."""

    wanted: Filter
    after: int
    limit: int
    has_left: Callable[[], bool]
    found: list[Event] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def is_for(self, event: Event) -> bool:
        """Whether the request asks for an event. The common look may be behind what its reader has read already."""
        return event.sequence > self.after and self.wanted.takes(event)


class EventWaiters:
    """Those of one process. The thread that looks lives as long as somebody waits, and starts after any fork."""

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
        """Events after a place as soon as there are any; none once the time is over, or `has_left`.

        Raises `TooManyWaiting`, `CursorGone` and `Unavailable`.
        """
        waiter = _Waiter(wanted, after.sequence, limit, has_left)
        self._enter(waiter, key)
        try:
            # Only now: what comes after this look is found by the one that is common to all.
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
                continue  # away for a moment; whoever waits may as well go on waiting
            except Exception as error:
                logger.exception("looking for events failed", extra={"error": type(error).__name__})

    def _go_on(self) -> bool:
        with self._lock:
            self._is_looking = bool(self._waiters)
            return self._is_looking

    def _newest(self) -> int:
        return self._database.look(_NEWEST, {}) or 0

    def _look(self) -> None:
        """Read what is new, and hand it out. Numbers go back only if another copy of the database was put in place."""
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

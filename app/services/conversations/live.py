"""Live news: let hundreds of open inboxes in a process hear of changes within a second.

One thread polls the database for all listeners, which hold no connection and make no query. What changed is read once
and written as JSON once for all listeners that see the same numbers. It is a thread of its own beside that of
`events.EventWaiters`, which reads whole events for the API's long polls; those are rarely there together with people.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from app.db.database import Database
from app.errors import GatewayError, TooManyWaiting
from app.logs import get_logger
from app.process import draining
from app.services.conversations.news import OVERLAP, Changed, News, NewsPlace, Present, ReadNews, present
from app.store import conversation_list, conversation_news
from app.store.conversations import Numbers

POLL_SECONDS = 0.4
"""Interval between two polls, which delays news by up to this time."""

COUNT_SECONDS = 1.0
"""The counts are made anew at most so often."""

MOST_LISTENING, MOST_OF_PERSON = 250, 30
"""Most listeners in a process, in all and per person. Together with the API's long polls below gunicorn's
`worker_connections`, because otherwise no connection would be left for webhooks."""

MOST_BEHIND = 50
"""A listener with so many untold news has a browser that does not read; its stream ends."""

logger = get_logger(__name__)


class _Frame:
    """News as they are written, once for each set of numbers that listeners see."""

    def __init__(self, news: News) -> None:
        self.place = news.place
        self._news = news
        self._texts: dict[Numbers, str] = {}

    def text(self, numbers: Numbers) -> str:
        if numbers not in self._texts:
            self._texts[numbers] = self._news.text(numbers)
        return self._texts[numbers]


class Listener:
    """One open inbox."""

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = numbers
        self.is_over = False
        self._frames: deque[_Frame] = deque()
        self._has_news = threading.Event()

    def tell(self, frame: _Frame) -> None:
        """Add news; end the stream of a browser that does not read them."""
        self._frames.append(frame)
        self.is_over = self.is_over or len(self._frames) > MOST_BEHIND
        self._has_news.set()

    def end(self) -> None:
        """Let `next` return None from now on."""
        self.is_over = True
        self._has_news.set()

    def next(self, seconds: float) -> tuple[str, str] | None:
        """Wait for news up to a time; return their cursor and their JSON, or None."""
        if not self._frames and not self.is_over:
            self._has_news.wait(seconds)
        self._has_news.clear()
        if self.is_over or not self._frames:
            return None
        frame = self._frames.popleft()
        if self._frames:
            self._has_news.set()
        return str(frame.place), frame.text(self.numbers)


class LiveNews:
    """The listeners of one process. The polling thread runs only while there are any, so never before a fork."""

    def __init__(self, database: Database, read: ReadNews, now: Callable[[], datetime]) -> None:
        self._database = database
        self._read = read
        self._now = now
        self._lock = threading.Lock()
        self._listeners: dict[Listener, str] = {}
        self._of_person: Counter[str] = Counter()
        self._is_polling = False
        self._place = NewsPlace(0, now())
        self._told: dict[str, datetime] = {}
        self._present: tuple[Present, ...] = ()
        self._counts: dict[str, tuple[int, int]] = {}
        self._counted_at = 0.0
        self._owes_counts = False

    @contextmanager
    def listen(self, person_id: str, numbers: Numbers) -> Iterator[Listener]:
        """Register a listener. Raises `TooManyWaiting` and `Unavailable`."""
        listener = Listener(numbers)
        with self._lock:
            if len(self._listeners) >= MOST_LISTENING or self._of_person[person_id] >= MOST_OF_PERSON:
                raise TooManyWaiting("Too many inboxes are open at once; they look for news now and then instead.")
            if not self._is_polling:
                self._begin()
            self._listeners[listener] = person_id
            self._of_person[person_id] += 1
        try:
            yield listener
        finally:
            with self._lock:
                del self._listeners[listener]
                self._of_person[person_id] -= 1
                if not self._of_person[person_id]:
                    del self._of_person[person_id]

    def _begin(self) -> None:
        news = self._read.since(self._read.here())
        self._place, self._present, self._counts = news.place, news.present, news.counts
        self._told = {}
        threading.Thread(target=self._run, name="inbox", daemon=True).start()
        self._is_polling = True

    def _run(self) -> None:
        while self._go_on():
            time.sleep(POLL_SECONDS)
            try:
                if draining.is_draining():
                    for listener in list(self._listeners):
                        listener.end()
                else:
                    self._poll()
            except GatewayError:
                continue  # the database cannot be used at the moment; the listeners go on waiting
            except Exception as error:
                logger.exception("looking for news failed", extra={"error": type(error).__name__})

    def _go_on(self) -> bool:
        with self._lock:
            self._is_polling = bool(self._listeners)
            return self._is_polling

    def _poll(self) -> None:
        before = self._present
        changed = self._changed()
        is_news = changed is None or bool(changed) or self._present != before
        self._owes_counts = self._owes_counts or changed is None or bool(changed)
        is_news = self._recount() or is_news
        if is_news:
            frame = _Frame(News(self._place, changed, self._present, self._counts))
            for listener in list(self._listeners):
                listener.tell(frame)

    def _changed(self) -> Changed | None:
        """Return what changed since the last poll, None for everything; read who is present."""
        newest = self._database.look(conversation_news.NEWEST_EVENT, {}) or 0
        place = self._place
        with self._database.read() as session:
            rows = conversation_news.by_events(session, place.sequence, newest) if newest > place.sequence else []
            touched = conversation_news.touched(session, place.touched_at - OVERLAP)
            self._present = present(session, self._now())
        changed = {row.id: row.phone_number_id for row in rows}
        for row in touched:
            if self._told.get(row.id) != row.touched_at:
                changed[row.id] = row.phone_number_id
        touched_at = max([place.touched_at, *(row.touched_at for row in touched)])
        self._told = {row.id: row.touched_at for row in touched if row.touched_at > touched_at - OVERLAP}
        self._place = NewsPlace(newest, touched_at)
        is_behind = newest < place.sequence or len(touched) == conversation_news.MOST_TOUCHED
        return None if is_behind else changed

    def _recount(self) -> bool:
        """Count what is unread and waits, if that may have changed and it is time; return whether it has changed."""
        if not self._owes_counts or time.monotonic() - self._counted_at < COUNT_SECONDS:
            return False
        with self._database.read() as session:
            counts = conversation_list.counts(session)
        self._counted_at, self._owes_counts = time.monotonic(), False
        is_changed, self._counts = counts != self._counts, counts
        return is_changed

"""Idle workers ask the database rarely, and whoever writes work wakes them by PostgreSQL's NOTIFY.

Notifications are hints, never needed: a worker asks every half second anyway, and every 50 ms from one that came until
nothing was there for two seconds. So a process that writes much notifies once a second: the worker is awake in between.
A notification more often would cost, because NOTIFY lets transactions commit one after the other. Where there is no
session to listen with (behind a pooler) and on SQLite a worker asks every 50 ms, always.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import URL

if TYPE_CHECKING:
    from app.db.plain_connection import Executes

CHANNEL = "whatsapp_work"
AWAKE_SECONDS = 2.0
"""How long a worker asks often after it was woken, or found work. Longer than `TELL_SECONDS`."""

TELL_SECONDS = 1.0
IDLE_SECONDS = 0.5
"""How often an idle worker asks: for work that became due by itself, and if a notification was lost."""

RETRY_SECONDS = 5.0


class Wakeups:
    """Of one process: tells others of work, and knows whether it is worth to look for some."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._told_at = -TELL_SECONDS
        self._awake_until = 0.0
        self._asked: dict[tuple[int, str], float] = {}
        self._is_listening = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def tell(self, connection: Executes) -> None:
        """Wake the workers when the transaction of `connection` is committed, which has written work for them."""
        now = time.monotonic()
        self._awake_until = now + AWAKE_SECONDS
        if now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            connection.exec_driver_sql(f"NOTIFY {CHANNEL}")

    def may_rest(self, poll: tuple[int, str]) -> bool:
        """Return whether the poll of this key can be left out now, because nobody told of work; note it if not."""
        now = time.monotonic()
        if self._is_listening and now > self._awake_until and now - self._asked.get(poll, 0.0) < IDLE_SECONDS:
            return True
        self._asked[poll] = now
        return False

    def found(self) -> None:
        """Stay awake: there was work."""
        self._awake_until = time.monotonic() + AWAKE_SECONDS

    def listen(self) -> None:
        """Begin to listen in a thread; does nothing on SQLite."""
        if self._url.get_backend_name() != "sqlite" and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="listen", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        import psycopg

        while not self._stop.is_set():
            try:
                if not self._listen():
                    return
            except psycopg.Error:
                pass  # the loops ask often again, and say themselves if the database is away
            finally:
                self._is_listening = False
            self._stop.wait(RETRY_SECONDS)

    def _listen(self) -> bool:
        """Listen until the end; return False if there is no session to do it with. Raises `psycopg.Error`."""
        import psycopg

        from app.db import postgresql

        target = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        arguments: dict[str, Any] = postgresql.connecting(self._url)
        with psycopg.connect(target, autocommit=True, **arguments) as connection:
            if postgresql.prepare_session(connection, {"timezone": "UTC"}):
                return False
            connection.execute(f"LISTEN {CHANNEL}".encode())
            self._is_listening = True
            while not self._stop.is_set():
                for _ in connection.notifies(timeout=1.0, stop_after=1):
                    self._awake_until = time.monotonic() + AWAKE_SECONDS
        return True

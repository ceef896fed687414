"""Limits for request bodies that are being received: the time of each, their number, and their bytes together.

A client without a key or an app secret can start any number of bodies and never end them. If there are too many, the
oldest is cut off, because the bodies of genuine clients arrive within a moment.
"""

from __future__ import annotations

import _thread
import os
import socket
import time
from contextlib import suppress
from typing import Any

BODY_SECONDS = 20.0
MAX_BODIES = 128
MAX_BYTES = 12 * 1024 * 1024
"""Bytes that all unfinished bodies of a process may hold together."""

MIN_SECONDS = 1.0
"""Bodies younger than this are never cut off in favour of another one."""

CHECK_INTERVAL_SECONDS = 0.5


class Full(Exception):
    """There are too many unfinished bodies, and all of them started just now."""


class Body:
    """One body that is being received. It counts as unfinished inside its `with` block."""

    __slots__ = ("began_at", "size", "is_cut", "_socket", "_bodies")

    def __init__(self, connection: Any, bodies: UnfinishedBodies) -> None:
        self.began_at = time.monotonic()
        self.size = 0
        self.is_cut = False
        self._socket = connection
        self._bodies = bodies

    def __enter__(self) -> Body:
        self._bodies.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._bodies.remove(self)

    @property
    def can_be_cut(self) -> bool:
        """Whether the server exposes the body's connection."""
        return self._socket is not None

    def cut(self) -> None:
        """Shut down the input of the body's connection, so that a waiting read returns."""
        self.is_cut = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RD)


class UnfinishedBodies:
    """The unfinished bodies of this process. Without access to the server's sockets, time is not limited."""

    def __init__(
        self, max_bodies: int = MAX_BODIES, max_bytes: int = MAX_BYTES, seconds: float = BODY_SECONDS
    ) -> None:
        self._max_bodies = max_bodies
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._bodies: dict[int, Body] = {}  # the oldest first
        self._bytes = 0
        self._watcher_pid = 0

    def track(self, connection: Any) -> Body:
        """Return a context manager for a body; it is counted while the block runs. Entering it raises `Full`."""
        return Body(connection, self)

    def add(self, body: Body) -> None:
        """Add a body. Raises `Full`."""
        if len(self._bodies) >= self._max_bodies:
            self._cut_oldest()
        if body.can_be_cut and self._watcher_pid != os.getpid():
            self._watcher_pid = (
                os.getpid()
            )  # a thread of the process that reads, and not of the one it was forked from
            _thread.start_new_thread(self._watch, ())
        self._bodies[id(body)] = body

    def remove(self, body: Body) -> None:
        """Remove a body, unless it has been cut off already."""
        if self._bodies.pop(id(body), None) is not None:
            self._bytes -= body.size

    def add_bytes(self, body: Body, size: int) -> None:
        """Count received bytes of a body. Raises `Full`."""
        body.size += size
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._cut_oldest(but=body)

    def _cut_oldest(self, but: Body | None = None) -> None:
        oldest = next((each for each in self._bodies.values() if each is not but), None)
        if oldest is None or time.monotonic() - oldest.began_at < MIN_SECONDS:
            raise Full
        self._give_up(oldest)

    def _give_up(self, body: Body) -> None:
        self.remove(body)
        body.cut()

    def _watch(self) -> None:
        """Cut off bodies that take too long. Checks the oldest body twice a second."""
        while True:
            time.sleep(CHECK_INTERVAL_SECONDS)
            late = time.monotonic() - self._seconds
            for body in list(self._bodies.values()):
                if body.began_at > late:
                    break
                self._give_up(body)

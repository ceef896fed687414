"""Bounds for bodies that are on their way in: how long one may take, how many there are, and how many bytes they hold.

Somebody without a key or an app secret can begin any number of bodies and never end them. When there are too many, the
one that has taken longest is cut: what a proxy, Meta or a customer's program sends is here within a moment.
"""

from __future__ import annotations

import _thread
import os
import socket
import time
from contextlib import suppress
from typing import Any

BODY_SECONDS = 20.0
AT_ONCE = 128
BYTES = 12 * 1024 * 1024
"""What all unfinished bodies of a process may hold together."""

YOUNG_SECONDS = 1.0
"""Younger bodies are never cut in favour of another one."""

LOOK_SECONDS = 0.5


class Full(Exception):
    """There are too many bodies in hand, and all of them began just now."""


class Body:
    """One body that is being read: counted among the others while its `with` goes on."""

    __slots__ = ("began_at", "size", "is_cut", "_socket", "_others")

    def __init__(self, connection: Any, others: BodiesInHand) -> None:
        self.began_at = time.monotonic()
        self.size = 0
        self.is_cut = False
        self._socket = connection
        self._others = others

    def __enter__(self) -> Body:
        self._others.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._others.remove(self)

    @property
    def can_be_cut(self) -> bool:
        """Whether the server gives its connection."""
        return self._socket is not None

    def cut(self) -> None:
        """End its connection's input: whoever waits for the rest finds that there is none."""
        self.is_cut = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RD)


class BodiesInHand:
    """The bodies that this process reads. Of a server that gives no socket only what has come is bounded, not time."""

    def __init__(self, at_once: int = AT_ONCE, most_bytes: int = BYTES, seconds: float = BODY_SECONDS) -> None:
        self._at_once = at_once
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._bodies: dict[int, Body] = {}  # the oldest first
        self._bytes = 0
        self._watching = 0

    def reading(self, connection: Any) -> Body:
        """A body that is counted in while it is read, in a `with`. To enter that raises `Full`."""
        return Body(connection, self)

    def add(self, body: Body) -> None:
        """Count a body in. Raises `Full`."""
        if len(self._bodies) >= self._at_once:
            self._cut_oldest()
        if body.can_be_cut and self._watching != os.getpid():
            self._watching = os.getpid()  # a thread of the process that reads, and not of the one it was forked from
            _thread.start_new_thread(self._watch, ())
        self._bodies[id(body)] = body

    def remove(self, body: Body) -> None:
        """Count a body out, unless it has been given up."""
        if self._bodies.pop(id(body), None) is not None:
            self._bytes -= body.size

    def grew(self, body: Body, size: int) -> None:
        """Count bytes that have come. Raises `Full`."""
        body.size += size
        self._bytes += size
        while self._bytes > self._most_bytes:
            self._cut_oldest(but=body)

    def _cut_oldest(self, but: Body | None = None) -> None:
        oldest = next((each for each in self._bodies.values() if each is not but), None)
        if oldest is None or time.monotonic() - oldest.began_at < YOUNG_SECONDS:
            raise Full
        self._give_up(oldest)

    def _give_up(self, body: Body) -> None:
        self.remove(body)
        body.cut()

    def _watch(self) -> None:
        """Cut what takes too long. Costs a look at the oldest twice a second."""
        while True:
            time.sleep(LOOK_SECONDS)
            late = time.monotonic() - self._seconds
            for body in list(self._bodies.values()):
                if body.began_at > late:
                    break
                self._give_up(body)

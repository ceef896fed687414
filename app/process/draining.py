"""How the processes of one server stop together.

A service manager, a terminal or a platform may signal the master alone or every process, with SIGTERM or SIGINT. So
only the master decides: it writes its phase into one byte that all its processes can read, and a signalled process
waits until the phase changes. The byte is in a file without a name: web processes inherit it over fork, and started
programs get its descriptor. A second byte says that a web process serves.
"""

from __future__ import annotations

import _thread
import os
import signal
import tempfile
import time
from collections.abc import Callable
from enum import IntEnum
from types import FrameType

DESCRIPTOR = "LIFECYCLE_FD"
"""The environment variable with the byte's descriptor, for a started program."""

LEADER_SECONDS = 2.0
"""Time after a signal within which the master begins to drain. Otherwise the signal was for this process alone."""

LOOK_SECONDS = 0.05

_WEB_SERVES = 1
"""The place of the byte that says so."""


class Phase(IntEnum):
    """The phases of a server's stop."""

    SERVING = 0
    DRAINING = 1
    STOPPING = 2


def _inherited() -> int | None:
    try:
        found = int(os.environ.get(DESCRIPTOR, ""))
        os.pread(found, 1, 0)
    except (ValueError, OSError):
        return None
    return found


def _made() -> int:
    if hasattr(os, "memfd_create"):
        found = os.memfd_create("lifecycle")
    else:
        with tempfile.TemporaryFile() as file:
            found = os.dup(file.fileno())
    os.pwrite(found, bytes([Phase.SERVING]), 0)
    return found


_from_leader = _inherited()
_fd = _made() if _from_leader is None else _from_leader


def descriptor() -> int:
    """Return the descriptor that a started program must get: open, and its number in `LIFECYCLE_FD`."""
    return _fd


def phase() -> Phase:
    """Return the phase of the server to which this process belongs."""
    return Phase(os.pread(_fd, 1, 0)[0])


def is_draining() -> bool:
    """Return whether the server is draining: `/readyz` answers 503, long polls end, everything else still works."""
    return phase() is not Phase.SERVING


def enter(new: Phase) -> None:
    """Set the phase for every process of this server. Only the master may call it."""
    os.pwrite(_fd, bytes([new]), 0)


def say_that_web_serves() -> None:
    """Tell the other processes of this server that a web process is ready to serve."""
    os.pwrite(_fd, b"\1", _WEB_SERVES)


def web_serves() -> bool:
    """Return whether a web process of this server has been ready to serve."""
    return os.pread(_fd, 1, _WEB_SERVES) == b"\1"


def follow(stop: Callable[[int, FrameType | None], None], *, is_led: bool | None = None) -> None:
    """Let SIGTERM and SIGINT call `stop` as a signal handler, at once or when the master stops.

    Without a leading master they call it at once. With one (`is_led`; by default, if a descriptor was inherited) they
    call it when the master stops, or if the master does not begin to drain within `LEADER_SECONDS`, because the signal
    was for this process alone then. Call it in the main thread.
    """
    _Follower(stop, is_led=_from_leader is not None if is_led is None else is_led)


class _Follower:
    def __init__(self, stop: Callable[[int, FrameType | None], None], *, is_led: bool) -> None:
        self._stop = stop
        self._is_time = not is_led
        self._is_waiting = False
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._is_time or phase() is Phase.STOPPING:
            self._stop(number, frame)
        elif not self._is_waiting:
            self._is_waiting = True
            # Not a Thread: its locks may be held by the code that this signal interrupts. Under gevent this is a
            # greenlet.
            _thread.start_new_thread(self._wait, ())

    def _wait(self) -> None:
        until = time.monotonic() + LEADER_SECONDS
        while phase() is Phase.DRAINING or (phase() is Phase.SERVING and time.monotonic() < until):
            time.sleep(LOOK_SECONDS)
        self._is_time = True
        os.kill(os.getpid(), signal.SIGTERM)  # the handler must run in the main thread and interrupt its waiting

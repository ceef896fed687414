"""The simulator as a process, or as a thread of a test: waitress in front of the app, stopped within two seconds."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import Any

from waitress import wasyncore  # type: ignore[import-untyped]
from waitress.server import create_server  # type: ignore[import-untyped]

from simulator.app import create_simulator
from simulator.settings import SimulatorSettings
from simulator.world.simulator import Simulator

_THREADS = 32  # pages that wait for news, and answers held back by a fault, keep one each
_LOOP_SECONDS = 1.0
_FAREWELL_SECONDS = 1.0
_PARENT_CHECK_SECONDS = 0.5


# By poll(), since select() takes no descriptor above 1023, and a test suite may have more of them open.
_loop = partial(wasyncore.loop, timeout=_LOOP_SECONDS, use_poll=True)


class SimulatorServer:
    """A simulator that listens. With port 0 it takes a free one, which `settings` then names."""

    def __init__(self, settings: SimulatorSettings) -> None:
        listener = socket.create_server((settings.host, settings.port))
        self.settings = replace(settings, port=listener.getsockname()[1])
        app = create_simulator(self.settings)
        self.simulator: Simulator = app.extensions["simulator"]
        self._server: Any = create_server(app, sockets=[listener], threads=_THREADS, ident=None)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is reached."""
        return self.settings.base_url

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT, SIGHUP or the end of the parent process.

        Where a gateway started it (`PARENT_PID`), SIGHUP alone: the others reach every process of a server at once, and
        the gateway's requests in flight need their Meta until they are answered.
        """
        signal.signal(signal.SIGHUP, _exit)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN if "PARENT_PID" in os.environ else _exit)
        parent = int(os.environ.get("PARENT_PID") or os.getppid())
        threading.Thread(target=_follow_parent, args=(parent,), daemon=True).start()
        try:
            _loop(map=self._server._map)
        except SystemExit:
            self._close()

    def start(self) -> None:
        """Serve from a thread of this process, for tests."""
        loop = partial(_loop, map=self._server._map)
        self._thread = threading.Thread(target=loop, name="simulator-server", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End what `start` began."""
        with suppress(OSError):  # the loop, awake anyway, took the thunk and closed the trigger before it was pulled
            self._server.trigger.pull_trigger(self._close)  # in the loop's own thread, which ends with its last socket
        if self._thread:
            self._thread.join(timeout=5.0)

    def _close(self) -> None:
        self.simulator.close()  # first, so that no request waits any longer for news
        self._server.task_dispatcher.shutdown(timeout=_FAREWELL_SECONDS)
        wasyncore.close_all(self._server._map)


def _exit(signum: int, frame: FrameType | None) -> None:
    sys.exit(0)


def _follow_parent(parent: int) -> None:
    """End this process when the one that started it is gone: nobody would be left to stop it."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os.kill(os.getpid(), signal.SIGHUP)

"""A web process of gunicorn's under gevent, whose stop does not wait for connections on which nobody asks anything."""

from __future__ import annotations

from types import TracebackType

import gevent
from gunicorn.workers.ggevent import GeventWorker

LINGER_SECONDS = 2.0
"""How long a stopping process leaves a connection open that waits for its next request: one may be under way."""

LOOK_SECONDS = 0.25


class WebProcess(GeventWorker):  # type: ignore[misc]
    """Gunicorn's own, but for what happens at its end."""

    def run(self) -> None:
        """Serve until the stop."""
        self._waits: set[_Wait] = set()
        gevent.spawn(self._end_waits)
        super().run()

    def timeout_ctx(self) -> _Wait:
        """Return what bounds the wait of the running greenlet's connection for a request."""
        seconds = self.cfg.keepalive if self.alive else min(self.cfg.keepalive, LINGER_SECONDS)
        return _Wait(self._waits, seconds)

    def _end_waits(self) -> None:
        while self.alive:
            gevent.sleep(LOOK_SECONDS)
        gevent.sleep(LINGER_SECONDS)
        for wait in list(self._waits):
            wait.end()


class _Wait:
    """The wait of one connection for its next request. When it is over the connection is closed in order."""

    __slots__ = ("_all", "_timeout", "_greenlet")

    def __init__(self, all_waits: set[_Wait], seconds: float) -> None:
        self._all = all_waits
        self._timeout = gevent.Timeout(seconds, False)
        self._greenlet = gevent.getcurrent()

    def __enter__(self) -> None:
        self._all.add(self)
        self._timeout.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._all.discard(self)
        self._timeout.close()
        return error is self._timeout

    def end(self) -> None:
        """Let it be over now."""
        gevent.kill(self._greenlet, self._timeout)

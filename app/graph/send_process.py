"""The process that makes the calls of queued sends, as the worker sees it.

Whatever ends it ends only what is under way, which then is unknown, as after any end of a process that sends. Another
one is started for what comes next.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from app.config.parsers import ROOT
from app.domain.api_usage import ApiUsage
from app.errors import GraphNotTried, GraphUnknown
from app.graph.send_calls import Answer, Call
from app.logs import get_logger
from app.process.ipc import LENGTH, Json, pack

START = (
    "from gevent import monkey; monkey.patch_all(); import sys; sys.path.insert(0, {root!r});"
    " from app.graph.send_process_child import main; main({fd})"
)

PAUSE_SECONDS = 1.0
"""Between the end of one and the start of the next."""

PATIENCE_SECONDS = 5
"""How long it may take no data: it reads whatever else it does, unless it hangs."""

SILENCE_SECONDS = 20.0
"""After so long without a word, of which it has one every two seconds, it hangs."""

START_SECONDS = 60.0
"""How long it may take to its first word: on a busy machine importing alone takes longer than a silence may, and one
that is ended for that is followed by another that makes the machine no less busy."""

logger = get_logger(__name__)


class CallerProcess:
    """Makes calls (`MakesCalls`) in a process of its own. `is_ready`, `begin` and `stop` are one thread's to call."""

    def __init__(
        self,
        graph: Mapping[str, Any],
        at_once: int,
        environ: Mapping[str, str],
        tell: Callable[[Answer], None],
        on_usage: Callable[[str, list[ApiUsage]], None],
    ) -> None:
        """`graph` is what its `GraphClient` is made with. Starts nothing before the first question."""
        self._environ = dict(environ)
        self._start_frame = pack({"graph": dict(graph), "at_once": at_once})
        self._tell = tell
        self._on_usage = on_usage
        self._running: _Running | None = None
        self._ended_at = -PAUSE_SECONDS
        self._is_closed = False

    def is_ready(self) -> bool:
        """Whether it is there; if not, one is on its way."""
        running = self._running
        if running is not None and running.has_ended:
            logger.warning("the process that sends has ended; starting another", extra={"pid": running.pid})
            self._running, self._ended_at = None, time.monotonic()
        elif running is not None and running.hangs:
            logger.error("the process that sends hangs; ending it", extra={"pid": running.pid})
            running.kill()
        elif running is None and not self._is_closed and time.monotonic() - self._ended_at >= PAUSE_SECONDS:
            self._running = _Running(self._start_frame, self._environ, self._tell, self._on_usage)
        return self._running is not None and self._running.is_ready

    def begin(self, calls: Sequence[Call]) -> None:
        """Hand calls over. What cannot be handed over has not left, and is answered so."""
        if self._running is None or not self._running.begin(calls):
            for call in calls:
                self._tell(Answer(call.key, GraphNotTried()))

    def stop(self) -> None:
        """Have it begin no more calls."""
        self._is_closed = True
        if self._running is not None:
            self._running.send(pack({"stop": True}))

    def close(self) -> None:
        """End it, also what is under way."""
        self._is_closed = True
        if self._running is not None:
            self._running.kill()


class _Running:
    """One process, and what it has in hand."""

    def __init__(
        self,
        start_frame: bytes,
        environ: dict[str, str],
        tell: Callable[[Answer], None],
        on_usage: Callable[[str, list[ApiUsage]], None],
    ) -> None:
        self._tell = tell
        self._on_usage = on_usage
        self._in_hand: set[str] = set()
        self._mutex = threading.Lock()
        self.is_ready = False
        self.has_ended = False
        self._started_at = time.monotonic()
        self._heard_at: float | None = None
        self._line, theirs = socket.socketpair()
        # For sending alone: the kernel's own bound, since a timeout of Python's would be one for reading, too.
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", PATIENCE_SECONDS, 0))
        with theirs:
            code = START.format(root=str(ROOT), fd=theirs.fileno())
            self._process = subprocess.Popen(
                [sys.executable, "-c", code], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=environ
            )
        self.pid = self._process.pid
        threading.Thread(target=self._read, name="answers", daemon=True).start()
        self.send(start_frame)

    @property
    def hangs(self) -> bool:
        """Whether it has been silent for longer than it may."""
        if (heard_at := self._heard_at) is None:
            return time.monotonic() - self._started_at > START_SECONDS
        return time.monotonic() - heard_at > SILENCE_SECONDS

    def begin(self, calls: Sequence[Call]) -> bool:
        """Hand calls over; False when it is gone, and they have not left."""
        frame = pack({"calls": [(each.key, each.phone_number_id, each.payload, each.token, each.at) for each in calls]})
        with self._mutex:
            if self.has_ended:
                return False
            self._in_hand |= {call.key for call in calls}
        self.send(frame)
        return True

    def send(self, frame: bytes) -> None:
        """Say something; if it does not listen, that is its end."""
        try:
            self._line.sendall(frame)
        except OSError:
            self.kill()

    def kill(self) -> None:
        """End it."""
        with suppress(ProcessLookupError):
            self._process.kill()

    def _read(self) -> None:
        try:
            with self._line.makefile("rb") as file:
                while len(head := file.read(LENGTH.size)) == LENGTH.size:
                    self._heard_at = time.monotonic()
                    for told in json.loads(file.read(LENGTH.unpack(head)[0]))["told"]:
                        self._hear(told)
        except OSError:
            pass  # as its end
        except Exception:
            logger.exception("the process that sends said what makes no sense", extra={"pid": self.pid})
        self.kill()
        self._process.wait()
        with self._mutex:
            self.has_ended = True
            lost, self._in_hand = self._in_hand, set()
        self._line.close()
        for key in lost:
            self._tell(Answer(key, GraphUnknown(meta={"reason": "the process that sends was lost"})))

    def _hear(self, told: Json) -> None:
        if "key" in told:
            with self._mutex:
                self._in_hand.remove(told["key"])
            self._tell(Answer.from_json(told))
        elif "usage" in told:
            self._on_usage(told["token"], [ApiUsage(**each) for each in told["usage"]])
        elif "ready" in told:
            self.is_ready = True

"""The child process that makes the calls of queued sends, as seen by the worker.

If the child ends, the sends of its calls in flight become `unknown`, as after any crash, and a new child is started.
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
from app.graph.send_calls import CallResult, SendCall
from app.logs import get_logger
from app.process.ipc import LENGTH, Json, pack

START = (
    "from gevent import monkey; monkey.patch_all(); import sys; sys.path.insert(0, {root!r});"
    " from app.graph.send_process_child import main; main({fd})"
)

RESTART_DELAY_SECONDS = 1.0
"""Time between the end of one child and the start of the next."""

WRITE_TIMEOUT_SECONDS = 5
"""How long a write to the child may block. Its reading thread never waits, so a longer block means that it hangs."""

SILENCE_TIMEOUT_SECONDS = 20.0
"""The child reports every two seconds that it runs; after so long without a report it counts as hanging."""

START_TIMEOUT_SECONDS = 60.0
"""How long the child may take to its first report. It is longer than `SILENCE_TIMEOUT_SECONDS`, because importing takes
long on a busy machine, and a restart would only add load to it."""

logger = get_logger(__name__)


class SendProcess:
    """A `Caller` that makes its calls in a child process. Only one thread may use `is_ready`, `begin` and `stop`."""

    def __init__(
        self,
        graph: Mapping[str, Any],
        max_in_flight: int,
        environ: Mapping[str, str],
        report: Callable[[CallResult], None],
        on_usage: Callable[[str, list[ApiUsage]], None],
    ) -> None:
        """`graph` holds the arguments of the child's `GraphClient`. No child is started before `is_ready` is called."""
        self._environ = dict(environ)
        self._start_frame = pack({"graph": dict(graph), "max_in_flight": max_in_flight})
        self._report = report
        self._on_usage = on_usage
        self._child: _Child | None = None
        self._ended_at = -RESTART_DELAY_SECONDS
        self._is_closed = False

    def is_ready(self) -> bool:
        """Whether a child is ready for calls. Starts one if there is none, and kills one that hangs."""
        child = self._child
        if child is not None and child.has_ended:
            logger.warning("the process that sends has ended; starting another", extra={"pid": child.pid})
            self._child, self._ended_at = None, time.monotonic()
        elif child is not None and child.hangs:
            logger.error("the process that sends hangs; ending it", extra={"pid": child.pid})
            child.kill()
        elif child is None and not self._is_closed and time.monotonic() - self._ended_at >= RESTART_DELAY_SECONDS:
            self._child = _Child(self._start_frame, self._environ, self._report, self._on_usage)
        return self._child is not None and self._child.is_ready

    def begin(self, calls: Sequence[SendCall]) -> None:
        """Pass calls to the child. Without a child they are reported as `GraphNotTried`."""
        if self._child is None or not self._child.begin(calls):
            for call in calls:
                self._report(CallResult(call.key, GraphNotTried()))

    def stop(self) -> None:
        """Let the child start no more calls, and start no other child."""
        self._is_closed = True
        if self._child is not None:
            self._child.send(pack({"stop": True}))

    def close(self) -> None:
        """Kill the child, including its calls in flight."""
        self._is_closed = True
        if self._child is not None:
            self._child.kill()


class _Child:
    """One child process and the keys of its calls in flight."""

    def __init__(
        self,
        start_frame: bytes,
        environ: dict[str, str],
        report: Callable[[CallResult], None],
        on_usage: Callable[[str, list[ApiUsage]], None],
    ) -> None:
        self._report = report
        self._on_usage = on_usage
        self._in_flight: set[str] = set()
        self._mutex = threading.Lock()
        self.is_ready = False
        self.has_ended = False
        self._started_at = time.monotonic()
        self._heard_at: float | None = None
        self._channel, theirs = socket.socketpair()
        # The kernel's own timeout, for writing alone: Python's would also bound reading.
        self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", WRITE_TIMEOUT_SECONDS, 0))
        with theirs:
            code = START.format(root=str(ROOT), fd=theirs.fileno())
            self._process = subprocess.Popen(
                [sys.executable, "-c", code], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=environ
            )
        self.pid = self._process.pid
        threading.Thread(target=self._read, name="send-results", daemon=True).start()
        self.send(start_frame)

    @property
    def hangs(self) -> bool:
        """Whether the child has been silent for longer than its timeout."""
        if (heard_at := self._heard_at) is None:
            return time.monotonic() - self._started_at > START_TIMEOUT_SECONDS
        return time.monotonic() - heard_at > SILENCE_TIMEOUT_SECONDS

    def begin(self, calls: Sequence[SendCall]) -> bool:
        """Pass calls to the child; False if it has ended, so that none of them was started."""
        frame = pack({"calls": [(each.key, each.phone_number_id, each.payload, each.token, each.at) for each in calls]})
        with self._mutex:
            if self.has_ended:
                return False
            self._in_flight |= {call.key for call in calls}
        self.send(frame)
        return True

    def send(self, frame: bytes) -> None:
        """Write a frame to the child; kill the child if it does not read it."""
        try:
            self._channel.sendall(frame)
        except OSError:
            self.kill()

    def kill(self) -> None:
        """Kill the child."""
        with suppress(ProcessLookupError):
            self._process.kill()

    def _read(self) -> None:
        try:
            with self._channel.makefile("rb") as file:
                while len(head := file.read(LENGTH.size)) == LENGTH.size:
                    self._heard_at = time.monotonic()
                    for report in json.loads(file.read(LENGTH.unpack(head)[0]))["reports"]:
                        self._handle(report)
        except OSError:
            pass  # the same as the end of the child
        except Exception:
            logger.exception("the process that sends said what makes no sense", extra={"pid": self.pid})
        self.kill()
        self._process.wait()
        with self._mutex:
            self.has_ended = True
            lost, self._in_flight = self._in_flight, set()
        self._channel.close()
        for key in lost:
            self._report(CallResult(key, GraphUnknown(meta={"reason": "the process that sends was lost"})))

    def _handle(self, report: Json) -> None:
        if "key" in report:
            with self._mutex:
                self._in_flight.remove(report["key"])
            self._report(CallResult.from_json(report))
        elif "usage" in report:
            self._on_usage(report["token"], [ApiUsage(**each) for each in report["usage"]])
        elif "ready" in report:
            self.is_ready = True

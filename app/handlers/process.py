"""The gateway's side of one process that runs the user's handlers, one call at a time.

The process is not trusted: its frames are bounded and validated, it is killed at the deadline of a call, and if it
ends, only the running call fails.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from app.config.parsers import ROOT
from app.domain.handlers import Handler, from_json
from app.domain.known_names import UnknownName
from app.errors import GatewayError
from app.process.ipc import LENGTH, Json, pack, packed

LOAD_SECONDS = 60.0
POLL_SECONDS = 0.2
"""How often a running call checks that the process is alive and reads the deadline anew."""

EXIT_SECONDS = 2.0
MAX_FRAME_BYTES = 1 << 20
"""The size limit of one frame, which holds for example a send or a traceback."""

START = (
    "import sys; sys.path.insert(0, {root!r}); from app.handlers.child import main; del sys.path[0];"
    " [sys.modules.pop(name) for name in [*sys.modules] if name.partition('.')[0] == 'app']; main({fd}, {module!r})"
)
"""Our package is removed from the imported modules, so that the user's own may be called `app` too."""

Action = Callable[[Json], object]
"""Carries out what a handler asks for in a frame, and returns the JSON value of the answer. Raises `GatewayError`."""


class CannotLoad(Exception):
    """The module cannot be loaded. `reason` contains no values of the user's; `traceback` may, and is never logged."""

    def __init__(self, reason: str, traceback: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.traceback = traceback


class _ProcessLost(Exception):
    """The process ended, took too long, or sent an invalid frame. It cannot be used any more."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class HandlerResult:
    """The result of a call. `error` says in the gateway's own words why it failed; None if the handler returned.

    `was_attempted` is False if the call did not take place, or if the gateway's own stop ended it.
    """

    error: str | None
    traceback: str = ""
    seconds: float = 0.0
    was_attempted: bool = True


class HandlerProcess:
    """A process with the user's module loaded. Used by one thread at a time."""

    def __init__(
        self, module: str, environ: Mapping[str, str], is_stopping: Callable[[], bool] = lambda: False
    ) -> None:
        """Start the process and load the module; stop waiting when `is_stopping` is true. Raises `CannotLoad`."""
        ours, theirs = socket.socketpair()
        with theirs:
            code = START.format(root=str(ROOT), fd=theirs.fileno(), module=module)
            try:
                # A process group of its own, so that its child processes end with it. Its output goes to our standard
                # error and not into our log files, because it may contain anything.
                self._process = subprocess.Popen(
                    [sys.executable, "-u", "-c", code], env=dict(environ), pass_fds=[theirs.fileno()], stdout=2,
                    stdin=subprocess.DEVNULL, start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                ours.close()
                raise CannotLoad(f"no process could be started ({type(error).__name__})") from error
        self._line = ours
        self._read = b""
        self.is_usable = True
        until = time.monotonic() + LOAD_SECONDS
        self.handlers = self._load(lambda: 0.0 if is_stopping() else until)

    def _load(self, until: Callable[[], float]) -> tuple[Handler, ...]:
        try:
            frame = self._receive(until)
            if frame.get("frame") == "ready":
                return tuple(from_json(each) for each in frame["handlers"])
            reason, trace = _reason(frame), str(frame.get("traceback", ""))
        except _ProcessLost as lost:
            reason, trace = f"while it was loaded, {lost.reason}", ""
        except UnknownName as wrong:
            reason, trace = str(wrong), ""
        except (KeyError, TypeError):
            reason, trace = "it said something that makes no sense", ""
        self.close()
        raise CannotLoad(reason, trace)

    @property
    def is_alive(self) -> bool:
        """Return whether the process can take a call."""
        return self.is_usable and self._process.poll() is None

    def call(
        self, handler: str, event: bytes, action: Action, until: Callable[[], float], *, is_replay: bool
    ) -> HandlerResult:
        """Call a handler with an event given as JSON, and carry out its requests with `action`.

        `until` returns the monotonic time at which the process is killed if the call is not over. Never raises for
        anything that the handler does.
        """
        head = json.dumps({"handler": handler, "is_replay": is_replay})
        self.is_usable = False
        try:
            self._send(packed(head[:-1].encode() + b',"event":' + event + b"}"), until)
            while (frame := self._receive(until)).get("frame") == "ask":
                self._send(pack(_answer(action, frame)), until)
        except _ProcessLost as lost:
            return HandlerResult(lost.reason)
        if frame.get("frame") not in ("done", "raised"):
            return HandlerResult("it said something that makes no sense")
        self.is_usable = True
        if frame["frame"] == "done":
            return HandlerResult(None)
        return HandlerResult(_reason(frame), str(frame.get("traceback", "")))

    def close(self) -> None:
        """End the process: kill it during a call, else give it `EXIT_SECONDS` to exit by itself."""
        self._line.close()
        if self.is_usable:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(EXIT_SECONDS)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.is_usable = False

    def _send(self, frame: bytes, until: Callable[[], float]) -> None:
        self._line.settimeout(max(0.01, until() - time.monotonic()))
        try:
            self._line.sendall(frame)
        except OSError as error:
            reason = "it took no more data" if isinstance(error, TimeoutError) else self._how_it_ended()
            raise _ProcessLost(reason) from None

    def _receive(self, until: Callable[[], float]) -> Json:
        size = LENGTH.unpack(self._exactly(LENGTH.size, until))[0]
        if size > MAX_FRAME_BYTES:
            raise _ProcessLost("it said more than it may")
        try:
            frame = json.loads(self._exactly(size, until))
        except (ValueError, RecursionError):
            frame = None
        if not isinstance(frame, dict):
            raise _ProcessLost("it said something that makes no sense")
        return frame

    def _exactly(self, size: int, until: Callable[[], float]) -> bytes:
        while len(self._read) < size:
            left = until() - time.monotonic()
            if left <= 0:
                raise _ProcessLost("it took too long and was killed")
            self._line.settimeout(min(POLL_SECONDS, left))
            try:
                part = self._line.recv(65536)
            except TimeoutError:
                if self._process.poll() is None:
                    continue
                part = b""  # treated as the end of the socket, which a child process of the handler may keep open
            except OSError:
                part = b""
            if not part:
                raise _ProcessLost(self._how_it_ended())
            self._read += part
        found, self._read = self._read[:size], self._read[size:]
        return found

    def _how_it_ended(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(POLL_SECONDS)  # the socket closes a moment before the process ends
        code = self._process.returncode
        if code is None:
            return "it closed its line to the gateway"
        return f"the process was ended by signal {-code}" if code < 0 else f"the process ended with {code}"


def _answer(action: Action, frame: Json) -> Json:
    try:
        return {"value": action(frame)}
    except GatewayError as error:
        refusal = {"code": error.code, "message": error.message, "retryable": error.retryable}
        return {"error": refusal | {"fields": error.fields, "meta": error.shown_meta()}}


def _reason(frame: Json) -> str:
    """Describe an error without its message, unless the message contains only names from the code."""
    where, words = frame.get("where"), frame.get("words")
    return f"raised {frame.get('error')}{f': {words}' if words else ''}{f' at {where}' if where else ''}"[:500]

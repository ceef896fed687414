"""One process that runs the user's handlers, one call at a time, as the gateway sees it.

Nothing it does harms us: what it says is bounded and checked, what it does not say in time ends it, and its end is only
the end of the call.
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
LOOK_SECONDS = 0.2
"""How soon a stop, or an end that nobody told of, is noticed during a call."""

EXIT_SECONDS = 2.0
MOST_BYTES = 1 << 20
"""What one frame may hold: a send, or a traceback."""

START = (
    "import sys; sys.path.insert(0, {root!r}); from app.handlers.child import main; del sys.path[0];"
    " [sys.modules.pop(name) for name in [*sys.modules] if name.partition('.')[0] == 'app']; main({fd}, {module!r})"
)
"""The user's own modules are found as if we were not there, also one called `app`."""

Act = Callable[[Json], object]
"""Does what a handler asks for, and returns what it is answered. Raises `GatewayError`."""


class CannotLoad(Exception):
    """The module cannot be loaded. `reason` quotes nothing; `traceback` is for whoever wrote the module."""

    def __init__(self, reason: str, traceback: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.traceback = traceback


class _Lost(Exception):
    """The process ended, hangs or talks nonsense: `reason` says it. It is of no use any more."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Called:
    """What came of a call: `error` says in words of ours why it failed, and is None where it did not."""

    error: str | None
    traceback: str = ""


class HandlerProcess:
    """A process with the module loaded. Used by one thread at a time."""

    def __init__(
        self, module: str, environ: Mapping[str, str], is_stopping: Callable[[], bool] = lambda: False
    ) -> None:
        """Start it, unless that takes until `is_stopping`. Raises `CannotLoad`."""
        ours, theirs = socket.socketpair()
        with theirs:
            code = START.format(root=str(ROOT), fd=theirs.fileno(), module=module)
            try:
                # In a group of its own, so that whatever it starts ends with it. What it prints goes where our own
                # console lines go, and never into our logs: it may be anything.
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
            told = self._receive(until)
            if told.get("frame") == "ready":
                return tuple(from_json(each) for each in told["handlers"])
            reason, trace = _reason(told), str(told.get("traceback", ""))
        except _Lost as lost:
            reason, trace = f"while it was loaded, {lost.reason}", ""
        except UnknownName as wrong:
            reason, trace = str(wrong), ""
        except (KeyError, TypeError):
            reason, trace = "it said something that makes no sense", ""
        self.close()
        raise CannotLoad(reason, trace)

    @property
    def is_alive(self) -> bool:
        """Whether it can take a call."""
        return self.is_usable and self._process.poll() is None

    def call(self, handler: str, event: bytes, act: Act, until: Callable[[], float], *, is_replay: bool) -> Called:
        """Call a handler with an event, given as JSON, and do what it asks for meanwhile.

        `until` says at any moment when the call must be over; one that is not is killed. Never raises for anything that
        the handler does.
        """
        head = json.dumps({"handler": handler, "is_replay": is_replay})
        self.is_usable = False
        try:
            self._send(packed(head[:-1].encode() + b',"event":' + event + b"}"), until)
            while (told := self._receive(until)).get("frame") == "ask":
                self._send(pack(_answer(act, told)), until)
        except _Lost as lost:
            return Called(lost.reason)
        if told.get("frame") not in ("done", "raised"):
            return Called("it said something that makes no sense")
        self.is_usable = True
        return Called(None) if told["frame"] == "done" else Called(_reason(told), str(told.get("traceback", "")))

    def close(self) -> None:
        """End it: at once if it is in the middle of something, else it may tidy up for a moment."""
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
            raise _Lost("it took no more data" if isinstance(error, TimeoutError) else self._how_it_ended()) from None

    def _receive(self, until: Callable[[], float]) -> Json:
        size = LENGTH.unpack(self._exactly(LENGTH.size, until))[0]
        if size > MOST_BYTES:
            raise _Lost("it said more than it may")
        try:
            frame = json.loads(self._exactly(size, until))
        except (ValueError, RecursionError):
            frame = None
        if not isinstance(frame, dict):
            raise _Lost("it said something that makes no sense")
        return frame

    def _exactly(self, size: int, until: Callable[[], float]) -> bytes:
        while len(self._read) < size:
            left = until() - time.monotonic()
            if left <= 0:
                raise _Lost("it took too long and was killed")
            self._line.settimeout(min(LOOK_SECONDS, left))
            try:
                part = self._line.recv(65536)
            except TimeoutError:
                if self._process.poll() is None:
                    continue
                part = b""  # what it left behind may keep the line open
            except OSError:
                part = b""
            if not part:
                raise _Lost(self._how_it_ended())
            self._read += part
        found, self._read = self._read[:size], self._read[size:]
        return found

    def _how_it_ended(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(LOOK_SECONDS)  # its line ends a moment before it does
        code = self._process.returncode
        if code is None:
            return "it closed its line to the gateway"
        return f"the process was ended by signal {-code}" if code < 0 else f"the process ended with {code}"


def _answer(act: Act, told: Json) -> Json:
    try:
        return {"value": act(told)}
    except GatewayError as error:
        refusal = {"code": error.code, "message": error.message, "retryable": error.retryable}
        return {"error": refusal | {"fields": error.fields, "meta": error.shown_meta()}}


def _reason(told: Json) -> str:
    """What an error was, in words that quote nothing."""
    where, words = told.get("where"), told.get("words")
    return f"raised {told.get('error')}{f': {words}' if words else ''}{f' at {where}' if where else ''}"[:500]

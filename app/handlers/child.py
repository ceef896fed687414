"""The program of a handler process: it loads the user's module and calls its handlers.

It has no token and no database; handlers send requests for actions to the gateway over a socket. `process.py` starts
it. It imports the standard library only.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import queue
import signal
import socket
import threading
import time
import traceback
from typing import Any

from app.handlers.offered import Client, Error, Mistake, On
from app.process import console
from app.process.ipc import LENGTH, Json, pack

TRACEBACK = 8_000
QUOTES_NOTHING = (Mistake, ImportError, SyntaxError, NameError, AttributeError)
"""Errors whose messages hold names from the code while it is loaded. Messages of others may hold a user's secret."""

EXIT_SECONDS = 2.0

NOT_THEIRS = (
    "<frozen ", os.path.dirname(os.path.abspath(os.__file__)), os.path.dirname(os.path.abspath(__file__)),
    os.path.abspath(pack.__code__.co_filename),
)  # fmt: skip


class Link:
    """The socket to the gateway. It is closed in processes that are forked from this one."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._pid = os.getpid()
        self._frames: queue.SimpleQueue[Json | None] = queue.SimpleQueue()
        self._mutex = threading.Lock()
        self.call = 0
        self.is_busy = True
        os.register_at_fork(after_in_child=line.close)
        threading.Thread(target=self._read, name="gateway", daemon=True).start()

    def tell(self, **frame: Any) -> None:
        """Send a frame. Called in a forked process it ends that process, which must not use the gateway's socket."""
        if os.getpid() != self._pid:
            os._exit(1)
        self._line.sendall(pack(frame))

    def next(self) -> Json | None:
        """Wait for the next frame; return None when the gateway closed the socket."""
        return self._frames.get()

    def ask(self, call: int, what: str, **given: Any) -> Any:
        """Ask the gateway to carry out an action for the running call, and return its value. Raises `Error`."""
        if os.getpid() != self._pid:
            raise Error({"code": "wrong_state", "message": "A forked process has no client."})
        with self._mutex:
            if call != self.call or not self.is_busy:
                raise Error({"code": "wrong_state", "message": "The handler has returned; its client is no more."})
            self.tell(frame="ask", what=what, **given)
            answer = self.next() or {}
        if "error" in answer:
            raise Error(answer["error"])
        return answer.get("value")

    def end(self) -> None:
        """End a call, so that threads that the handler has left running can request nothing more."""
        with self._mutex:
            self.is_busy = False

    def _read(self) -> None:
        while True:
            head = self._exactly(LENGTH.size)
            body = self._exactly(LENGTH.unpack(head)[0]) if head else None
            if body is None:
                break
            self._frames.put(json.loads(body))
        if not self.is_busy:  # else the gateway has ended during a call, and the result is of no use
            self._frames.put(None)
            time.sleep(EXIT_SECONDS)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    def _exactly(self, size: int) -> bytes | None:
        found = b""
        while len(found) < size:
            try:
                part = self._line.recv(min(size - len(found), 1 << 20))
            except OSError:
                return None
            if not part:
                return None
            found += part
        return found


def _load(module: str) -> On:
    on = On()
    register = getattr(importlib.import_module(module), "register", None)
    if register is None:
        raise Mistake(f"{module} has no function register(on)")
    register(on)
    return on


def _trouble(error: BaseException, words: str) -> Json:
    """Describe an error. Only the traceback may contain the user's values."""
    frames = traceback.extract_tb(error.__traceback__)
    last = next((frame for frame in reversed(frames) if _is_theirs(frame.filename)), None)
    return {
        "error": type(error).__name__[:100],
        "words": words[:300],
        "where": f"{os.path.relpath(last.filename)}:{last.lineno} in {last.name}" if last else "",
        "traceback": "".join(traceback.format_exception(error))[-TRACEBACK:],
    }


def _is_theirs(file: str) -> bool:
    """Return whether a file is the user's own, not the gateway's or a library's."""
    return not file.startswith(NOT_THEIRS) and "site-packages" not in file


def _run(link: Link, on: On, frame: Json) -> Json:
    function, whole = on.handlers[frame["handler"]]
    event, call = frame["event"], link.call

    def ask(what: str, **given: Any) -> Any:
        return link.ask(call, what, **given)

    try:
        function(event if whole else event["data"], Client(ask, event, frame["is_replay"]))
    except BaseException as error:  # noqa: B036 - as above
        return {"frame": "raised", **_trouble(error, error.code if isinstance(error, Error) else "")}
    finally:
        link.end()
    return {"frame": "done"}


def main(fileno: int, module: str) -> None:
    """Load the module, send the list of its handlers, and do one call after another until the socket closes."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        # These are sent to every process of a server at once; the gateway ends this one after its call. The signals
        # get a function that does nothing, because child processes of a handler would inherit an ignored signal.
        signal.signal(number, lambda number, frame: None)
    line = socket.socket(fileno=fileno)
    line.set_inheritable(False)
    console.install()  # a handler that prints must not wait for the reader of its output
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s[%(process)d]: %(message)s")
    link = Link(line)
    try:
        on = _load(module)
    except BaseException as error:  # noqa: B036 - the user's code may call exit(), which is treated as an error
        link.tell(frame="broken", **_trouble(error, str(error) if isinstance(error, QUOTES_NOTHING) else ""))
        return
    link.is_busy = False
    link.tell(frame="ready", handlers=on.told)
    while (frame := link.next()) is not None:
        link.call += 1
        link.is_busy = True
        link.tell(**_run(link, on, frame))

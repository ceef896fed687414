"""The console of a process that serves: whoever reads it, or has stopped reading it, keeps nobody waiting.

A pipe that nobody empties, a terminal with Ctrl-S, a disk that is full: what is written to `sys.stderr` and
`sys.stdout` waits in a bounded queue, from which a thread of the system's writes. What does not fit, and what cannot
be written, is dropped and counted, and one line says how much as soon as writing works again.

Uses the standard library only.
"""

from __future__ import annotations

import atexit
import errno
import io
import os
import stat
import sys
import time
from _queue import SimpleQueue
from collections.abc import Callable
from typing import Any, cast

MOST_BYTES = 1 << 20
"""What may wait, in one process and for one of its two outputs."""

AT_ONCE = 4096
"""What is written at once, if lines are that short: a pipe takes so much whole, also from several processes."""

PAUSE_SECONDS = 0.05
EXIT_SECONDS = 2.0
STALLED_SECONDS = 1.0
"""A process that ends waits for its last lines for so long, and no longer than this if nothing moves."""


def _original(module: str, name: str) -> Any:
    """Return a function as it was before gevent replaced it with one of its own."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey.get_original(module, name) if monkey else getattr(sys.modules[module], name)


class Output:
    """One output of this process. Any thread, greenlet or signal handler may write, and none waits."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.notice: Callable[[int], str] = _notice
        self._path = _path_of(descriptor)
        self._renew()
        os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        """Begin with nothing: a forked process has neither the thread nor the business of writing what was queued."""
        # Each text with the number of lines that were dropped before it, of which it tells first.
        self._texts: SimpleQueue[tuple[bytes, int]] = SimpleQueue()
        # Reentrant, because a signal handler may write while its thread is in here.
        self._mutex = _original("_thread", "RLock")()
        self._is_started = False
        self._waiting = 0
        self._written = 0
        self._dropped = 0
        self._is_torn = False

    def write(self, text: str) -> None:
        """Have a text written, which should be whole lines; drop it if too much waits already."""
        found = text.encode("utf-8", "backslashreplace")
        with self._mutex:
            if self._waiting + len(found) > MOST_BYTES:
                self._dropped += _lines(found)
                return
            dropped, self._dropped = self._dropped, 0
            if dropped:
                found = self.notice(dropped).encode("utf-8", "backslashreplace") + found
            self._waiting += len(found)
            self._texts.put((found, dropped))
            if not self._is_started:
                self._start()

    def flush(self, seconds: float = EXIT_SECONDS) -> bool:
        """Wait until everything is written, for so long as it moves. Return whether it is."""
        sleep = _original("time", "sleep")
        until = time.monotonic() + seconds
        moved_at, written = time.monotonic(), self._written
        while self._waiting and time.monotonic() < min(until, moved_at + STALLED_SECONDS):
            sleep(0.002)
            if self._written != written:
                moved_at, written = time.monotonic(), self._written
        return not self._waiting

    def reopen(self) -> None:
        """Go on in a new file where this output is a file that was moved or deleted."""
        if self._path is None:
            return
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        except OSError:
            return  # the old one is better than none
        os.dup2(file, self.descriptor, inheritable=True)
        os.close(file)

    def _start(self) -> None:
        try:
            # Not a Thread: under gevent that is a greenlet, which would stop all others when it writes.
            _original("_thread", "start_new_thread")(self._run, ())
            self._is_started = True
        except RuntimeError:
            pass  # no more threads: the next line tries again

    def _run(self) -> None:
        text, dropped = self._texts.get()
        while True:
            following = None
            while len(text) < AT_ONCE and not self._texts.empty():
                following = self._texts.get()
                if following[1] or len(text) + len(following[0]) > AT_ONCE:
                    break
                text, following = text + following[0], None
            self._pass_on(text, dropped)
            text, dropped = following or self._texts.get()

    def _pass_on(self, text: bytes, dropped: int) -> None:
        is_written = self._put(text)
        with self._mutex:
            if not is_written:
                self._dropped += _lines(text) - (1 if dropped else 0) + dropped
            self._waiting -= len(text)
            self._written += len(text)

    def _put(self, text: bytes) -> bool:
        """Write, for as long as it takes. Return whether all of it was."""
        rest = memoryview(b"\n" + text if self._is_torn else text)
        begun = False
        while rest:
            try:
                count = os.write(self.descriptor, rest)
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):  # somebody who shares it made it so
                    _original("time", "sleep")(PAUSE_SECONDS)
                    continue
                self._is_torn = self._is_torn or begun
                return False
            begun, rest = True, rest[count:]
        self._is_torn = False
        return True


def _lines(text: bytes) -> int:
    return max(text.count(b"\n"), 1)


def _notice(count: int) -> str:
    return f"{count} lines were dropped here, because nobody took them.\n"


def _path_of(descriptor: int) -> str | None:
    """Return the path of an output that is a file, where the system tells it."""
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            return path if os.path.exists(path) else None
    except OSError:
        pass
    return None


class Stream(io.TextIOBase):
    """What stands in for `sys.stderr` or `sys.stdout`. No method raises for what has become of the reader."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self._begun = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"

    @property
    def buffer(self) -> io.RawIOBase:
        """For whoever writes bytes."""
        return _Bytes(self)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.output.descriptor

    def isatty(self) -> bool:
        return os.isatty(self.output.descriptor)

    def write(self, text: str) -> int:
        """Pass whole lines on; the beginning of one waits for its end, or for `flush`."""
        lines, end, begun = text.rpartition("\n")
        if end:
            lines, self._begun = self._begun + lines, begun
            self.output.write(f"{lines}\n")
        else:
            self._begun += text
            if len(self._begun) > AT_ONCE:
                self.flush()
        return len(text)

    def flush(self) -> None:
        """Pass on what has no end yet. It does not wait until it is written."""
        begun, self._begun = self._begun, ""
        if begun:
            self.output.write(begun)


class _Bytes(io.RawIOBase):
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._stream.write(bytes(data).decode("utf-8", "backslashreplace"))
        return len(data)

    def flush(self) -> None:
        if not self.closed:
            self._stream.flush()


_outputs: dict[str, Output] = {}


def keep_places() -> None:
    """Where an output was closed, put an empty one in its place: else the next file that is opened would be it."""
    for descriptor in (1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            empty = os.open(os.devnull, os.O_WRONLY)
            if empty != descriptor:
                os.dup2(empty, descriptor)
                os.close(empty)


def install() -> None:
    """Have everything that this process prints go this way. For processes that serve; does nothing the second time.

    A command that a person runs keeps its streams: it may well wait for the person.
    """
    keep_places()
    for name, descriptor in (("stderr", 2), ("stdout", 1)):
        if name in _outputs:
            continue
        if not _outputs:
            atexit.register(flush)
        output = _outputs[name] = Output(descriptor)
        setattr(sys, name, cast(Any, Stream(output)))


def reopen() -> None:
    """Go on in new files where the outputs are files: a program that rotates them has moved the old ones away."""
    for output in _outputs.values():
        output.reopen()


def say_drops_as(notice: Callable[[int], str]) -> None:
    """Have the line that tells how many were dropped made by `notice`, its end of line included."""
    for output in _outputs.values():
        output.notice = notice


def flush() -> None:
    """Wait for what was printed to be written, as far as somebody takes it: this process ends, or becomes another."""
    until = time.monotonic() + EXIT_SECONDS
    for name, output in _outputs.items():
        stream = getattr(sys, name)
        if isinstance(stream, Stream):
            stream.flush()
        output.flush(max(0.0, until - time.monotonic()))

"""The console output of a serving process, which never waits for its reader.

A reader may stop: a full pipe, a terminal with Ctrl-S, a full disk. Text for `sys.stderr` and `sys.stdout` therefore
waits in a bounded queue, from which a native thread writes it. Text that does not fit, or cannot be written, is dropped
and counted, and one line reports the number when writing works again.

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
"""The most bytes that may wait for one output of one process."""

AT_ONCE = 4096
"""The most bytes in one write of short lines: a pipe takes so many as a whole, also from several processes."""

PAUSE_SECONDS = 0.05
EXIT_SECONDS = 2.0
STALLED_SECONDS = 1.0
"""A process that ends waits up to `EXIT_SECONDS` for its last lines, and no longer than this without progress."""


def _original(module: str, name: str) -> Any:
    """Return a function of the standard library as it was before gevent replaced it."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey.get_original(module, name) if monkey else getattr(sys.modules[module], name)


class Output:
    """One output of this process. Threads, greenlets and signal handlers may write to it, and none waits."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.notice: Callable[[int], str] = _notice
        self._path = _path_of(descriptor)
        self._renew()
        os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        """Start with an empty queue: a forked process has no writer thread, and must not write its parent's lines."""
        # Each text with the number of lines that were dropped before it, which are reported first.
        self._texts: SimpleQueue[tuple[bytes, int]] = SimpleQueue()
        # Reentrant, because a signal handler may write while its thread holds the lock.
        self._mutex = _original("_thread", "RLock")()
        self._is_started = False
        self._waiting = 0
        self._written = 0
        self._dropped = 0
        self._is_torn = False

    def write(self, text: str) -> None:
        """Queue a text for writing, which should be whole lines; drop it if too much is waiting."""
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
        """Wait until everything is written, as long as there is progress. Return whether all of it is written."""
        sleep = _original("time", "sleep")
        until = time.monotonic() + seconds
        moved_at, written = time.monotonic(), self._written
        while self._waiting and time.monotonic() < min(until, moved_at + STALLED_SECONDS):
            sleep(0.002)
            if self._written != written:
                moved_at, written = time.monotonic(), self._written
        return not self._waiting

    def reopen(self) -> None:
        """Write to a new file from now on, where this output is a file that was moved or deleted."""
        if self._path is None:
            return
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        except OSError:
            return  # keep the old file
        os.dup2(file, self.descriptor, inheritable=True)
        os.close(file)

    def _start(self) -> None:
        try:
            # Not a Thread: under gevent that is a greenlet, whose blocking write would stop all others.
            _original("_thread", "start_new_thread")(self._run, ())
            self._is_started = True
        except RuntimeError:
            pass  # the system has no thread left; the next line tries again

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
        """Write a text, however long it takes. Return whether all of it was written."""
        rest = memoryview(b"\n" + text if self._is_torn else text)
        begun = False
        while rest:
            try:
                count = os.write(self.descriptor, rest)
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):  # another process made it non-blocking
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
    """Return the path of an output that is a file, where the system shows it; else None."""
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            return path if os.path.exists(path) else None
    except OSError:
        pass
    return None


class Stream(io.TextIOBase):
    """The replacement of `sys.stderr` or `sys.stdout`. No method raises because of its reader."""

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
        """Return a stream for code that writes bytes."""
        return _Bytes(self)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.output.descriptor

    def isatty(self) -> bool:
        return os.isatty(self.output.descriptor)

    def write(self, text: str) -> int:
        """Queue whole lines; the beginning of a line waits for its end, or for `flush`."""
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
        """Queue text without a line end, too. Does not wait until it is written."""
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
    """Replace a closed output by /dev/null: otherwise the next file that is opened would get its descriptor."""
    for descriptor in (1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            empty = os.open(os.devnull, os.O_WRONLY)
            if empty != descriptor:
                os.dup2(empty, descriptor)
                os.close(empty)


def install() -> None:
    """Send everything that this process prints through the queue. For serving processes; a second call does nothing.

    A command that a person runs keeps its streams, because it may wait for the person.
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
    """Continue in new files, where the outputs are files that a rotating program has moved away."""
    for output in _outputs.values():
        output.reopen()


def say_drops_as(notice: Callable[[int], str]) -> None:
    """Set the function that makes the line, with its line end, that reports the number of dropped lines."""
    for output in _outputs.values():
        output.notice = notice


def flush() -> None:
    """Wait until printed text is written, as long as there is progress. Call it before the process ends or execs."""
    until = time.monotonic() + EXIT_SECONDS
    for name, output in _outputs.items():
        stream = getattr(sys, name)
        if isinstance(stream, Stream):
            stream.flush()
        output.flush(max(0.0, until - time.monotonic()))

"""Child processes of the web server's master: the embedded worker and, without a token, the simulator.

Uses the standard library only, so that the master stays small and forks clean.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO

PARENT_PID = "PARENT_PID"
"""The environment variable that tells a child whose end is its own."""

LOOK_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0

WORKER, SIMULATOR, ECHO_BOT = "worker", "simulator", "echo bot"
STOP_SIGNALS = {SIMULATOR: signal.SIGHUP}
"""How a child is asked to stop, where it is not SIGTERM: Meta's stand-in ignores what a whole group of processes is
sent, because requests in flight need it until they are answered."""


class Children:
    """Starts commands, starts them again when they end, and stops them.

    `pass_fds` are open in every child. `tell` writes a line for the person who watches the console; with
    `is_read`, what children print goes there too, line by line, and not straight to the console.
    """

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        environ: Mapping[str, str],
        pass_fds: Sequence[int] = (),
        tell: Callable[[str], object] = sys.stderr.write,
        *,
        is_read: bool = False,
    ) -> None:
        self._commands = dict(commands)
        self._environ = dict(environ)
        self._pass_fds = tuple(pass_fds)
        self._tell = tell
        self._is_read = is_read
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._readers: dict[str, threading.Thread] = {}
        self._mutex = threading.Lock()
        self._held = threading.Event()

    def start(self) -> None:
        """Start all of them, and a thread that watches over them."""
        for name in self._commands:
            self._spawn(name)
        threading.Thread(target=self._watch, name="children", daemon=True).start()

    def hold(self) -> None:
        """Start none of them again from now on."""
        with self._mutex:
            self._held.set()

    def stop(self, *names: str) -> None:
        """Ask these, or without a name all of them, to stop."""
        self.hold()
        for name, child in self._chosen(names):
            if child.poll() is None:
                child.send_signal(STOP_SIGNALS.get(name, signal.SIGTERM))

    def wait(self, seconds: float, *names: str) -> None:
        """Wait for these, or all of them, to end; kill whatever has not after `seconds`."""
        deadline = time.monotonic() + seconds
        for name, child in self._chosen(names):
            while child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            if child.poll() is None:
                child.kill()
            if name in self._readers:
                self._readers[name].join(1)  # its last lines

    def _chosen(self, names: Iterable[str]) -> list[tuple[str, subprocess.Popen[bytes]]]:
        wanted = set(names) or set(self._running)
        return [(name, child) for name, child in self._running.items() if name in wanted]

    def _spawn(self, name: str) -> None:
        # In a session of its own, so that Ctrl-C in a terminal reaches it through us, in order, and not directly. It is
        # told who we are, because we may be gone before it has started far enough to ask.
        environ = self._environ | {PARENT_PID: str(os.getpid())}
        with self._mutex:
            if self._held.is_set():
                return
            child = self._running[name] = subprocess.Popen(
                self._commands[name], env=environ, start_new_session=True, stdin=subprocess.DEVNULL,
                pass_fds=self._pass_fds, stdout=subprocess.PIPE if self._is_read else None,
                stderr=subprocess.STDOUT if self._is_read else None,
            )  # fmt: skip
        if child.stdout is not None:
            reader = threading.Thread(target=self._read, args=(child.stdout,), name=f"lines of {name}", daemon=True)
            self._readers[name] = reader
            reader.start()

    def _read(self, lines: IO[bytes]) -> None:
        for line in lines:
            if line.strip():
                self._tell(line.decode("utf-8", "replace"))

    def _watch(self) -> None:
        started = dict.fromkeys(self._commands, time.monotonic())
        pauses = dict.fromkeys(self._commands, 0.5)
        while not self._held.wait(LOOK_SECONDS):
            for name, child in list(self._running.items()):
                if child.poll() is None or self._held.is_set():
                    continue
                if time.monotonic() - started[name] > STEADY_SECONDS:
                    pauses[name] = 0.5
                self._tell(f"{name} (pid {child.pid}) ended; starting it again in {pauses[name]:g} s\n")
                if self._held.wait(pauses[name]):
                    return
                pauses[name] = min(pauses[name] * 2, LONGEST_PAUSE_SECONDS)
                started[name] = time.monotonic()
                self._spawn(name)


def commands(*, worker: bool, simulator: bool, echo_bot: bool, root: str) -> dict[str, list[str]]:
    """What the web server starts beside itself."""
    found: dict[str, list[str]] = {}
    if worker:
        found[WORKER] = [sys.executable, "-m", "app.cli", "worker", "--with-parent"]
    if simulator:
        found[SIMULATOR] = [sys.executable, "-m", "simulator", "serve"]
    if echo_bot:
        found[ECHO_BOT] = [sys.executable, os.path.join(root, "examples", "echo_bot.py")]
    return found

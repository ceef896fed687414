"""Child processes of the web server's master: the embedded worker and, without a token, the simulator.

Uses the standard library only, so that the master stays small and can fork safely.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

PARENT_PID = "PARENT_PID"
"""The environment variable with the master's pid; a child ends when that process has ended."""

LOOK_SECONDS = 0.5
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0
LATEST_SECONDS = 15.0
WAIT_SECONDS = 0.02

LONGEST_LINE = 65_536

WORKER, SIMULATOR, ECHO_BOT = "worker", "simulator", "echo bot"
STOP_SIGNALS = {SIMULATOR: signal.SIGHUP}
"""The signal that stops a child, if it is not SIGTERM. The simulator ignores signals sent to a whole group of
processes, because requests in flight need it until they are answered."""


class Children:
    """Starts commands, restarts them when they end, and stops them.

    `pass_fds` are open in every child. A child's output is read here and passed to `tell` line by line, which writes it
    to the console; so no child waits for the console's reader.
    """

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        environ: Mapping[str, str],
        pass_fds: Sequence[int] = (),
        tell: Callable[[str], object] = sys.stderr.write,
    ) -> None:
        self._commands = dict(commands)
        self._environ = dict(environ)
        self._pass_fds = tuple(pass_fds)
        self._tell_person = tell
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._readers: dict[str, threading.Thread] = {}
        self._renewed: set[int] = set()
        self._mutex = threading.Lock()
        self._held = threading.Event()

    def start(self, *, after: Callable[[], bool] | None = None) -> None:
        """Start all children, and a thread that restarts those that end.

        With `after` they are started once it returns True, and after `LATEST_SECONDS` in any case.
        """
        if after is None:
            self._spawn_all()
        threading.Thread(target=self._watch, args=(after,), name="children", daemon=True).start()

    def renew(self, environ: Mapping[str, str], *names: str) -> None:
        """Stop these children in order and restart them at once with a new environment. Others get it later."""
        with self._mutex:
            self._environ = dict(environ)
        for _, child in self._chosen(names):
            if child.poll() is None:
                self._renewed.add(child.pid)
                child.send_signal(signal.SIGTERM)

    def hold(self) -> None:
        """Restart no child from now on."""
        with self._mutex:
            self._held.set()

    def stop(self, *names: str) -> None:
        """Send these children, or without names all of them, a signal to stop."""
        self.hold()
        for name, child in self._chosen(names):
            if child.poll() is None:
                child.send_signal(STOP_SIGNALS.get(name, signal.SIGTERM))

    def wait(self, seconds: float, *names: str) -> None:
        """Wait for these children, or all of them, to end; kill those that have not ended after `seconds`."""
        deadline = time.monotonic() + seconds
        for name, child in self._chosen(names):
            while child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            if child.poll() is None:
                child.kill()
            if name in self._readers:
                self._readers[name].join(1)  # reads its last lines

    def _chosen(self, names: Iterable[str]) -> list[tuple[str, subprocess.Popen[bytes]]]:
        wanted = set(names) or set(self._running)
        return [(name, child) for name, child in list(self._running.items()) if name in wanted]

    def _tell(self, line: str) -> None:
        """Print a line. An error of the console must not stop the supervision of the children."""
        with suppress(OSError, ValueError):
            self._tell_person(line)

    def _spawn(self, name: str) -> None:
        """Start a child, unless restarts are stopped. If that fails, it is restarted later like an ended one."""
        with self._mutex:
            if self._held.is_set():
                return
            # The child gets our pid, because we may end before it could ask for it. Its output is not buffered, so that
            # lines appear at once.
            environ = self._environ | {PARENT_PID: str(os.getpid()), "PYTHONUNBUFFERED": "1"}
            try:
                # In a session of its own, so that Ctrl-C in a terminal stops it through us, in order.
                child = subprocess.Popen(
                    self._commands[name], env=environ, start_new_session=True, stdin=subprocess.DEVNULL,
                    pass_fds=self._pass_fds, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                )  # fmt: skip
            except OSError as error:
                self._tell(f"{name} cannot be started ({type(error).__name__})\n")
                return
            assert child.stdout is not None
            reader = threading.Thread(target=self._read, args=(child.stdout,), name=f"lines of {name}", daemon=True)
            reader.start()
            # Last, because whoever finds the child running may wait for its reader.
            self._readers[name], self._running[name] = reader, child

    def _read(self, lines: IO[bytes]) -> None:
        with lines:
            while line := lines.readline(LONGEST_LINE):
                if line.strip():
                    self._tell(line.decode("utf-8", "replace"))

    def _spawn_all(self) -> None:
        for name in self._commands:
            self._spawn(name)

    def _watch(self, after: Callable[[], bool] | None) -> None:
        if after is not None:
            latest = time.monotonic() + LATEST_SECONDS
            while not after() and time.monotonic() < latest and not self._held.wait(WAIT_SECONDS):
                pass
            self._spawn_all()
        plans = {name: _Restart(time.monotonic()) for name in self._commands}
        while not self._held.wait(LOOK_SECONDS):
            for name, plan in plans.items():
                child = self._running.get(name)
                if (child is None or child.poll() is not None) and not self._held.is_set():
                    self._restart(name, child, plan)

    def _restart(self, name: str, child: subprocess.Popen[bytes] | None, plan: _Restart) -> None:
        """Restart an ended child when its time has come. Its pause does not delay the others."""
        now = time.monotonic()
        if plan.due_at is None:
            is_renewed = child is not None and child.pid in self._renewed
            pause = plan.put_off(now, 0.0 if is_renewed else None)
            if not is_renewed:
                what = f"{name} (pid {child.pid}) ended" if child else f"{name} is not there"
                self._tell(f"{what}; starting it again in {pause:g} s\n")
        if plan.due_at is not None and now >= plan.due_at:
            plan.begin(now)
            self._running.pop(name, None)
            self._spawn(name)


@dataclass
class _Restart:
    """When an ended child is restarted: the more often it ends, the longer the pause."""

    started_at: float
    due_at: float | None = None
    pause: float = FIRST_PAUSE_SECONDS

    def put_off(self, now: float, pause: float | None = None) -> float:
        """Plan the next start after `pause` seconds, or after the next longer pause; return that pause."""
        if pause is None:
            if now - self.started_at > STEADY_SECONDS:
                self.pause = FIRST_PAUSE_SECONDS
            pause, self.pause = self.pause, min(self.pause * 2, LONGEST_PAUSE_SECONDS)
        self.due_at = now + pause
        return pause

    def begin(self, now: float) -> None:
        """Note that the child is started now."""
        self.started_at, self.due_at = now, None


def commands(*, worker: bool, simulator: bool, echo_bot: bool, root: str) -> dict[str, list[str]]:
    """Return the commands that the web server starts, by name."""
    found: dict[str, list[str]] = {}
    if worker:
        found[WORKER] = [sys.executable, "-m", "app.cli", "worker", "--with-parent"]
    if simulator:
        found[SIMULATOR] = [sys.executable, "-m", "simulator", "serve"]
    if echo_bot:
        found[ECHO_BOT] = [sys.executable, os.path.join(root, "examples", "echo_bot.py")]
    return found

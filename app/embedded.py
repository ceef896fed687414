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
from collections.abc import Mapping, Sequence

PARENT_PID = "PARENT_PID"
"""The environment variable that tells a child whose end is its own."""

LOOK_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0


class Children:
    """Starts commands, starts them again when they end, and stops them together."""

    def __init__(self, commands: Mapping[str, Sequence[str]], environ: Mapping[str, str]) -> None:
        self._commands = dict(commands)
        self._environ = dict(environ)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start all of them, and a thread that watches over them."""
        for name in self._commands:
            self._spawn(name)
        threading.Thread(target=self._watch, name="children", daemon=True).start()

    def terminate(self) -> None:
        """Ask all of them to stop."""
        self._stopping.set()
        for child in self._running.values():
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> None:
        """Wait for them to end; kill whatever has not after `seconds`."""
        deadline = time.monotonic() + seconds
        for child in self._running.values():
            while child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            if child.poll() is None:
                child.kill()

    def _spawn(self, name: str) -> None:
        # In a group of its own, so that Ctrl-C reaches it through us, in order, and not directly. It is told who we
        # are, because we may be gone before it has started far enough to ask.
        environ = self._environ | {PARENT_PID: str(os.getpid())}
        self._running[name] = subprocess.Popen(
            self._commands[name], env=environ, start_new_session=True, stdin=subprocess.DEVNULL
        )

    def _watch(self) -> None:
        started = dict.fromkeys(self._commands, time.monotonic())
        pauses = dict.fromkeys(self._commands, 0.5)
        while not self._stopping.wait(LOOK_SECONDS):
            for name, child in list(self._running.items()):
                if child.poll() is None:
                    continue
                if time.monotonic() - started[name] > STEADY_SECONDS:
                    pauses[name] = 0.5
                sys.stderr.write(f"{name} (pid {child.pid}) ended; starting it again in {pauses[name]:g} s\n")
                if self._stopping.wait(pauses[name]):
                    return
                pauses[name] = min(pauses[name] * 2, LONGEST_PAUSE_SECONDS)
                started[name] = time.monotonic()
                self._spawn(name)


def commands(*, worker: bool, simulator: bool, echo_bot: bool, root: str) -> dict[str, list[str]]:
    """What the web server starts beside itself."""
    found: dict[str, list[str]] = {}
    if worker:
        found["worker"] = [sys.executable, "-m", "app.cli", "worker", "--with-parent"]
    if simulator:
        found["simulator"] = [sys.executable, "-m", "app.simulator", "serve"]
    if echo_bot:
        found["echo bot"] = [sys.executable, os.path.join(root, "examples", "echo_bot.py")]
    return found

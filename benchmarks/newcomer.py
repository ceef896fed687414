"""Walk from a clone to a connected number as somebody who is new does, and say how long each step keeps them waiting.

    .venv/bin/python -m benchmarks.newcomer               clones this project, installs, and walks
    .venv/bin/python -m benchmarks.newcomer --installed   the same with this project's own .venv

Meta is a simulator of its own, which the gateway reaches as it would reach Meta: by `GRAPH_API_URL`, an app's id, its
secret and a token. What a person types, reads and decides takes no time here.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.load.gateway import ROOT, free_port

MOST_SECONDS = 60
"""How long a newcomer may wait, once everything is installed."""

STEP_SECONDS = 900
PHONE = "5491112345678"
META = {"WHATSAPP_APP_ID": "600100200300400", "WHATSAPP_ACCESS_TOKEN": "EAAsimulated"}
SECRET = "an-app-secret-of-the-walk"
INSTALLATION = ("git clone", "./run.sh install")


class Walk:
    """One walk in a folder of its own; `steps` are what was done, with seconds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.meta_port = free_port(), free_port()
        self.console = folder.parent / "console.txt"
        self.env = {
            name: text for name, text in os.environ.items()
            if name in ("PATH", "HOME", "LANG") or name.startswith(("PIP_", "HTTPS_", "HTTP_", "SSL_"))
        }  # fmt: skip
        self.env["PORT"] = str(self.port)
        self.steps: list[tuple[str, float]] = []

    def run(self, command: str, shows: str = "", codes: tuple[int, ...] = (0,)) -> str:
        """Type a command and wait for its end; it must show this. Returns what it showed."""
        begun = time.monotonic()
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=STEP_SECONDS,
        )  # fmt: skip
        self.steps.append((command, time.monotonic() - begun))
        said = done.stdout + done.stderr
        if done.returncode not in codes or not re.search(shows, said):
            sys.exit(f"{command}: exit code {done.returncode}\n{said[-3000:]}")
        return said

    @contextmanager
    def started(self, name: str, shows: str) -> Iterator[str]:
        """Have `./run.sh` running, from the moment on at which it shows this and answers; Ctrl-C at the end."""
        begun = time.monotonic()
        with self.console.open("wb") as console:
            server = subprocess.Popen(
                ["./run.sh"], cwd=self.folder, env=self.env, start_new_session=True, stdin=subprocess.DEVNULL,
                stdout=console, stderr=console,
            )  # fmt: skip
        try:
            self._wait(lambda: bool(re.search(shows, self.console.read_text())) and self._is_ready(), server)
            self.steps.append((name, time.monotonic() - begun))
            yield self.console.read_text()
        finally:
            begun = time.monotonic()
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGINT)
            server.wait(60)
            self.steps.append(("Ctrl-C", time.monotonic() - begun))

    def _wait(self, is_so: Callable[[], bool], server: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + STEP_SECONDS
        while not is_so():
            if server.poll() is not None or time.monotonic() > until:
                sys.exit(f"./run.sh did not come up:\n{self.console.read_text()[-3000:]}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).close()
        except OSError:
            return False
        return True

    @contextmanager
    def meta(self) -> Iterator[None]:
        """Have Meta running: a simulator in this project's own environment, which knows the newcomer's app."""
        command = [sys.executable, "-m", "simulator", "--port", str(self.meta_port), "--app-secret", SECRET]
        command += ["--webhook-url", ""]  # no callback is saved there yet
        own = {name: self.env[name] for name in ("PATH",)}
        with subprocess.Popen(command, cwd=ROOT, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as meta:
            try:
                yield
            finally:
                meta.terminate()


def walk(way: Walk, installed: bool) -> None:
    """Go the whole way. Exits with what went wrong."""
    folder = way.folder
    way.folder = folder.parent
    way.run(f"git clone -q {ROOT} {folder.name}")
    way.folder = folder
    if installed:
        _borrow_venv(folder)
    way.run("./run.sh install")
    with way.started("./run.sh, the first time", "Answer as the team: http"):
        way.run('.venv/bin/python -m simulator say "Hola"', "You said: Hola")
        way.run("./gateway messages list --limit 5", "Hola")
        way.run("./gateway doctor", " 0 wrong")
    way.env |= META | {"WHATSAPP_APP_SECRET": SECRET, "GRAPH_API_URL": f"http://127.0.0.1:{way.meta_port}"}
    with way.meta():
        time.sleep(2)  # Meta is there before anybody asks; this is no waiting of the newcomer's
        way.run("./gateway connect --dry-run", "nothing was changed")
        address = f"--public-url http://127.0.0.1:{way.port}"
        way.run(f"./gateway connect {address} --no-test", "Added to .env", codes=(0, 1))
        with way.started("./run.sh, with the token", "Listening on http"):
            way.run(f"./gateway connect {address} --to +{PHONE}", "delivered(?s:.*)Connected")
            # Of an address under http, as nobody but this simulator would take it; all else is well.
            way.run("./gateway doctor", "calls https addresses alone(?s:.*) 1 wrong", codes=(1,))
            say = f'.venv/bin/python -m simulator say "Recibido" --wait 0.1 --url http://127.0.0.1:{way.meta_port}'
            way.run(say, codes=(0, 1))  # the echo bot stays away now
            _until_it_came(way)


def _until_it_came(way: Walk) -> None:
    begun, kept = time.monotonic(), len(way.steps)
    while "Recibido" not in way.run("./gateway messages list --limit 3"):
        if time.monotonic() - begun > 30:
            sys.exit("what the customer wrote did not come")
    way.steps[kept:] = [("./gateway messages list, until what a customer wrote is there", time.monotonic() - begun)]


def _borrow_venv(folder: Path) -> None:
    """Let the clone use this project's environment, with a stamp of its own."""
    own = folder / ".venv"
    (own / "bin").mkdir(parents=True)
    there = ROOT / ".venv"
    for path in [*there.iterdir(), *(there / "bin").iterdir()]:
        if path.name != "bin" and not path.name.startswith(".installed"):
            (own / path.relative_to(there)).symlink_to(path)
    (own / ".installed-requirements.lock").write_bytes((folder / "requirements.lock").read_bytes())


def main() -> int:
    """Walk, and print the table. Exits with 1 if the newcomer waited too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--installed", action="store_true", help="use this project's .venv instead of installing one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        way = Walk(Path(directory) / "whatsapp-service")
        walk(way, options.installed)
    waited = sum(seconds for command, seconds in way.steps if not command.startswith(INSTALLATION))
    for command, seconds in way.steps:
        sys.stdout.write(f"| `{command.replace(str(ROOT), '…')}` | {seconds:.1f} s |\n")
    sys.stdout.write(f"| all but the installation (at most {MOST_SECONDS} s) | {waited:.1f} s |\n")
    return int(waited > MOST_SECONDS)


if __name__ == "__main__":
    sys.exit(main())

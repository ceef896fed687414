"""docs/tutorial.md, from top to bottom as it stands there: its code, its commands, and what it says they print."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from app.config.parsers import ROOT
from tests.load.gateway import MARK, end_now, free_port
from tests.project.test_run_sh import Project

PAGE = (ROOT / "docs" / "tutorial.md").read_text()
READS = re.compile(r'\./gateway messages list|curl -s -H "Authorization: [^"]*" "[^"]*"$')
"""Commands that may be given again until they print what the page says: what they show takes a moment to happen."""
META = {"WHATSAPP_APP_ID": "600100200300400", "WHATSAPP_ACCESS_TOKEN": "EAAsimulated"}
"""What a person has from Meta when the page says to connect; the secret is the simulator's."""


class Reader:
    """Somebody who does what the page says in a folder of their own, with two terminals."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.mark = secrets.token_hex(8)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(folder), "PORT": str(self.port), MARK: self.mark}
        self.console = folder / "console.txt"
        self.exports: list[str] = []
        self.server: subprocess.Popen[bytes] | None = None
        project = Project(folder)
        for name in ("app", "simulator", "client"):
            shutil.copytree(ROOT / name, folder / name)
        for name in ("gateway", "wsgi.py", "gunicorn.conf.py"):
            shutil.copy(ROOT / name, folder / name)
        project.add_our_venv()
        shutil.copy(folder / "requirements.lock", folder / ".venv" / ".installed-requirements.lock")

    def start(self, command: str) -> str:
        """Type it in the first terminal; return what that shows once everything runs."""
        begun = len(self.console.read_bytes()) if self.console.exists() else 0
        with self.console.open("ab") as console:
            self.server = subprocess.Popen(
                ["bash", "-c", command], cwd=self.folder, env=self.env, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
            )  # fmt: skip
        deadline = time.monotonic() + 120
        while True:
            shown = self.console.read_bytes()[begun:].decode()
            if "handlers loaded" in shown and "standing in for Meta: the customer" in shown and self.is_ready():
                return shown
            assert self.server.poll() is None and time.monotonic() < deadline, shown
            time.sleep(0.05)

    def is_ready(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).close()
        except OSError:
            return False
        return True

    def interrupt(self) -> None:
        """Press Ctrl-C in the first terminal."""
        assert self.server is not None
        os.killpg(self.server.pid, signal.SIGINT)
        self.server.wait(timeout=40)

    def type(self, command: str) -> str:
        """Type it in the second terminal; return what it prints."""
        if command.startswith("export "):
            self.exports.append(command)
        return self.run(command, self.env | (self.from_meta() if command.startswith("./gateway connect") else {}))

    def run(self, command: str, env: Mapping[str, str]) -> str:
        """Run it with these settings; return what it prints."""
        script = "\n".join(["set -e", *self.exports, command])
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=env, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}\n{self.console.read_text()[-3000:]}"
        return done.stdout

    def from_meta(self) -> dict[str, str]:
        """What the command would ask for, and the simulator's address in place of Meta's."""
        secret = re.findall(r"^SIMULATOR_APP_SECRET=(.+)$", (self.folder / ".env").read_text(), re.MULTILINE)[0]
        return META | {"WHATSAPP_APP_SECRET": secret, "GRAPH_API_URL": f"http://127.0.0.1:{self.port + 1}"}

    def look_around(self, printed: str) -> None:
        """Open the inbox and the phone, as the first terminal shows them."""
        signed_in = re.findall(r"http://\S+/inbox/sign-in/\S+", printed)[0]
        for address in (signed_in, f"http://127.0.0.1:{self.port + 1}/"):
            with urllib.request.urlopen(address, timeout=10) as answer:
                assert answer.status == 200

    def as_shown(self, expected: list[str]) -> list[str]:
        """The lines that the first terminal shows at a start, of those on the page."""
        return expected

    def end(self) -> None:
        """End every process that was started, whatever happened."""
        deadline = time.monotonic() + 10
        while (alive := [each for each in psutil.process_iter() if self.is_ours(each)]) and time.monotonic() < deadline:
            for process in alive:
                end_now(process)
            psutil.wait_procs(alive, timeout=1)
        if self.server is not None:
            self.server.wait(5)

    def is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == self.mark
        except (psutil.Error, OSError):
            return False


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    found = Reader(tmp_path)
    try:
        yield found
    finally:
        found.end()


def steps(block: str) -> Iterator[tuple[str, list[str]]]:
    """What is typed in a block, with the lines that stand below it."""
    typed, shown = "", list[str]()
    for line in block.replace("\\\n", " ").splitlines():
        if line == "^C" or line.startswith("$ "):
            if typed:
                yield typed, shown
            typed, shown = line.removeprefix("$ "), []
        else:
            shown.append(line)
    yield typed, shown


def is_shown(expected: list[str], printed: str, port: int) -> bool:
    """Whether these lines were printed, in this order; `…` stands for anything."""
    text = "\n".join(expected).replace(":8000", f":{port}").replace(":8001", f":{port + 1}")
    pattern = ".*".join(re.escape(part) for part in text.split("…"))
    return re.search(pattern, printed, re.DOTALL) is not None


def follow(reader: Reader, page: str = PAGE) -> None:
    """Do what the page says, from top to bottom, and compare what it says that is shown."""
    starts = 0
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        if language == "python":
            (reader.folder / block.splitlines()[0].removeprefix("# ")).write_text(block)
            continue
        for command, expected in steps(block):
            if command == "^C":
                reader.interrupt()
            elif command.endswith("./run.sh"):
                printed = reader.start(command)
                assert is_shown(reader.as_shown(expected), printed, reader.port), printed
                starts += 1
                if starts == 1:
                    reader.look_around(printed)
            else:
                type_until_shown(reader, command, expected)
    assert starts == page.count("./run.sh\n")


def type_until_shown(reader: Reader, command: str, expected: list[str]) -> None:
    """Type a command; one that reads is typed again until it shows what the page says."""
    printed, deadline = reader.type(command), time.monotonic() + 30
    while READS.match(command) and not is_shown(expected, printed, reader.port) and time.monotonic() < deadline:
        printed = reader.type(command)
    assert is_shown(expected, printed, reader.port), f"{command}\n{printed}"


def test_the_tutorial_goes_as_it_says(reader: Reader) -> None:
    follow(reader)


def test_first_pages_lead_to_it() -> None:
    for name in ("README.md", "README.es.md", "README.pt.md"):
        assert "](docs/tutorial.md)" in (ROOT / name).read_text(), name

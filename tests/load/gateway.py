"""A whole gateway of our own: started in a directory of its own on a free port, and always cleaned up.

Every process carries a mark in its environment, so that whatever a drill killed or left behind can be found again and
ended by its id, and nothing else is ever touched.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.load.migrated import migrated_sqlite
from tests.load.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
GUNICORN = ("gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")
COMMANDS = ("python", "-m", "app.cli")
"""What `flask` and `./gateway` run as well, and the web server for its children; `flask` makes the web application
first, which takes as long again."""

ONE_WEB = {"WEB_CONCURRENCY": "1"}
"""For what is not about several web processes: each takes two seconds of a processor to start."""

MARK = "GATEWAY_UNDER_TEST"
APP_SECRET = "0123456789abcdef0123456789abcdef"
API_KEY = "drill-key-0123456789abcdef0123456789"
START_SECONDS = 120.0


class NotStarted(RuntimeError):
    """The gateway did not come up in time; carries the end of what it printed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of one HTTP answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


def settings(directory: Path, port: int, database_url: str) -> dict[str, str]:
    """Everything a gateway needs to know, with secrets long enough to start."""
    return {
        "HOST": "127.0.0.1", "PORT": str(port), "DATABASE_URL": database_url, "LOG_DIR": str(directory / "logs"),
        "ERASURE_LEDGER": str(directory / "erasures.jsonl"),
        "MEDIA_DIR": str(directory / "media"), "API_KEY": API_KEY, "SECRET_KEY": "k" * 48,
        "ENCRYPTION_KEY": "ZHJpbGwtZHJpbGwtZHJpbGwtZHJpbGwtZHJpbGwtMzI=",
        "WHATSAPP_ACCESS_TOKEN": "EAAdrill0123456789abcdef", "WHATSAPP_APP_SECRET": APP_SECRET,
        "WHATSAPP_VERIFY_TOKEN": "drill-verify-0123456789abcdef", "WHATSAPP_PHONE_NUMBER_ID": "700100200300400",
        "GRAPH_API_URL": "http://127.0.0.1:9", "SIMULATOR": "0", "WORKER": "embedded", "WEB_CONCURRENCY": "2",
        "WEB_WORKER_CLASS": "gevent", "FORWARD_URL": "", "HANDLERS": "", "BROKER_URL": "", "REDIS_URL": "",
    }  # fmt: skip


@dataclass
class Gateway:
    """One gateway: its directory, its settings, and its processes when it runs.

    `extra` settings win over the usual ones. `command` is what serves, relative to the virtual environment's `bin`;
    a `{port}` inside is filled in. `root` is the project's folder, or a copy of it that may have an `.env`.
    Its first process finds a migrated SQLite file, unless it `is_new` or has another database.
    """

    directory: Path
    extra: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = GUNICORN
    database_url: str = ""
    path_prefix: str = ""
    root: Path = ROOT
    is_new: bool = False

    def __post_init__(self) -> None:
        self.port = free_port()
        self.mark = secrets.token_hex(8)
        self._has_file = self.is_new or bool(self.database_url)
        self.database_url = self.database_url or f"sqlite:///{self.directory / 'whatsapp.db'}"
        self.output = self.directory / "output.txt"
        self.process: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        """Where it listens, prefix included."""
        return f"http://127.0.0.1:{self.port}{self.path_prefix}"

    @property
    def env(self) -> dict[str, str]:
        """The environment of every one of its processes; nothing of ours but the path leaks in."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "CI") if name in os.environ}
        usual = settings(self.directory, self.port, self.database_url)
        own = {"HOME": str(self.directory), "PYTHONPATH": str(self.root), MARK: self.mark}
        return {**kept, **usual, **own, **self.extra}

    def start(self, *, ready: bool = True) -> None:
        """Start serving; with `ready`, return once `/readyz` says yes, or raise NotStarted."""
        self.process = self._spawn(*(part.format(port=self.port) for part in self.command))
        if ready:
            self.wait_ready()

    def start_into(self, output: int, *command: str) -> None:
        """Start serving, or another command that does, with its console at an open descriptor."""
        self._lay_database()
        self.process = subprocess.Popen(
            list(command) or [str(BIN / self.command[0]), *self.command[1:]], cwd=self.root, env=self.env,
            start_new_session=True, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start one separate job worker (`WORKER=external` gateways have none of their own)."""
        worker = self._spawn(*COMMANDS, "worker")
        self.workers.append(worker)
        return worker

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        self._lay_database()
        with self.output.open("ab") as output:
            return subprocess.Popen(
                [str(BIN / program), *arguments], cwd=self.root, env=self.env, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def _lay_database(self) -> None:
        """To migrate is a good part of what a start costs."""
        path = self.directory / "whatsapp.db"
        if not self._has_file and not path.exists() and _migrations(self.root) == _migrations(ROOT):
            shutil.copy(migrated_sqlite(), path)
        self._has_file = True

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Return once it answers `/readyz` with 200."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if self.get("/readyz", timeout=2).status == 200:
                    return
            except OSError:
                pass
            if self.process is not None and self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise NotStarted(f"not ready; the end of its output:\n{self.tail()}")

    def wait_simulator(self, seconds: float = START_SECONDS) -> str:
        """Return the customer's phone's address once it listens: the simulator starts beside the web server."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port + 1), timeout=2).close()
            except OSError:
                time.sleep(0.05)
            else:
                return f"http://127.0.0.1:{self.port + 1}/"
        raise NotStarted(f"no simulator; the end of the output:\n{self.tail()}")

    def tail(self, characters: int = 3_000) -> str:
        """The end of what its processes printed."""
        return self.output.read_text(errors="replace")[-characters:] if self.output.exists() else ""

    def processes(self) -> list[psutil.Process]:
        """Every living process that carries our mark."""
        mark = f"{MARK}={self.mark}".encode()
        return [process for pid in _carriers(mark) if (process := _alive(pid)) is not None]

    def web_workers(self) -> list[psutil.Process]:
        """The processes that answer HTTP: children of the master that run the master's own command."""
        assert self.process is not None
        master = psutil.Process(self.process.pid)
        return [child for child in master.children() if _runs(child, "gunicorn")]

    def job_workers(self) -> list[psutil.Process]:
        """The processes that work jobs off, embedded or separate."""
        return [process for process in self.processes() if _runs(process, "worker")]

    def stop(self, seconds: float = 40.0) -> int | None:
        """Ask it to stop and wait; the master's exit code, or None when it had to be killed."""
        asked = [process for process in (*self.workers, self.process) if process is not None]
        for process in asked:
            if process.poll() is None:
                process.terminate()
        code = None
        for process in asked:
            try:
                code = process.wait(seconds)
            except subprocess.TimeoutExpired:
                code = None
        self.kill()
        return code

    def kill(self) -> None:
        """`kill -9` everything that carries our mark, and wait until it is gone."""
        until = time.monotonic() + 10
        while (alive := self.processes()) and time.monotonic() < until:
            for process in alive:
                end_now(process)
            psutil.wait_procs(alive, timeout=1)
        for started in (self.process, *self.workers):
            if started is not None:
                started.wait(5)
        self.process, self.workers = None, []

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
    ) -> Answer:  # fmt: skip
        """One request on a connection of its own. Raises OSError when no whole answer comes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, self.path_prefix + path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.read(), dict(response.headers))
        except http.client.HTTPException as error:
            raise ConnectionError(f"no whole answer: {type(error).__name__}") from error
        finally:
            connection.close()

    def get(self, path: str, timeout: float = 10.0) -> Answer:
        """GET with the admin key."""
        return self.request("GET", path, headers={"Authorization": f"Bearer {API_KEY}"}, timeout=timeout)

    def flask(self, *arguments: str, seconds: float = 180.0) -> subprocess.CompletedProcess[str]:
        """Run one of the gateway's own commands with its settings."""
        self._lay_database()
        command = [str(BIN / COMMANDS[0]), *COMMANDS[1:], *arguments]
        return subprocess.run(
            command, cwd=self.root, env=self.env, capture_output=True, text=True, timeout=seconds, check=False
        )


def end_now(process: psutil.Process) -> None:
    """`kill -9`, content if it is gone already."""
    try:
        process.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        pass


def _migrations(root: Path) -> set[str]:
    """What tells the schema of one release from that of another, with which benchmarks compare this one."""
    return {path.name for path in (root / "app" / "migrations" / "versions").glob("*.py")}


def _carriers(mark: bytes) -> Iterator[int]:
    """The ids of processes with this in their environment. Drills ask again and again, so only the file is read."""
    if not psutil.LINUX:
        yield from (process.pid for process in psutil.process_iter() if mark in _environment(process))
        return
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                with open(f"/proc/{entry.name}/environ", "rb", buffering=0) as environ:
                    if mark in environ.read().split(b"\0"):
                        yield int(entry.name)
            except OSError:
                pass  # it ended, or is another user's


def _environment(process: psutil.Process) -> list[bytes]:
    try:
        return [f"{name}={value}".encode() for name, value in process.environ().items()]
    except psutil.Error:
        return []


def _alive(pid: int) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        return process if process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def _runs(process: psutil.Process, word: str) -> bool:
    try:
        return any(word in part for part in process.cmdline())
    except psutil.NoSuchProcess:
        return False


@contextmanager
def running(gateway: Gateway, *, ready: bool = True) -> Iterator[Gateway]:
    """Start it, hand it over, and end every process of it whatever happens."""
    gateway.directory.mkdir(parents=True, exist_ok=True)
    try:
        gateway.start(ready=ready)
        yield gateway
    finally:
        gateway.kill()

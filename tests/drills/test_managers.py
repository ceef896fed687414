"""The files of `deploy/` under the real managers: start, stop, restart, kill of each part, a reader that stops, reload.

With every test run supervisor, in part, and honcho. All of them, as far as their programs are installed
(`apt install runit s6 daemontools monit tini`, `npm install -g pm2 foreman`, `pip install circus`), in some minutes:
`DRILL=long .venv/bin/pytest tests/drills/test_managers.py`.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from simulator.testing import MetaStandIn
from tests.drills.conftest import IS_LONG
from tests.load.gateway import API_KEY, BIN, ROOT, Gateway, end_now, free_port, settings
from tests.load.in_flight import META_SECONDS, SlowMeta, begun, calls, send_until_taken, wait_for
from tests.load.together import Drill, together
from tests.load.tree import copy_project

pytestmark = pytest.mark.skipif(not IS_LONG, reason="takes minutes: DRILL=long")
DRILL_SECONDS = 600.0
SENDS = 18
NAME = "whatsapp-service"
OTHER_KEY = "another-drill-key-0123456789abcdef"


class Manager:
    """One manager with a gateway: its files from `deploy/`, for a folder, a user and a port of the drill's own."""

    programs: tuple[str, ...] = ()
    restarts_what_was_killed = True

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.folder = gateway.directory / "manager"
        self.folder.mkdir()
        self.spawned: list[subprocess.Popen[bytes]] = []
        self.prepare()

    def prepare(self) -> None:
        """Write what it is configured with."""

    def begin(self) -> None:
        """Start the manager, and by it the gateway."""
        raise NotImplementedError

    def stop(self) -> None:
        """Have it stop the gateway; return when it says so."""
        raise NotImplementedError

    def start(self) -> None:
        """Have it start the gateway again."""
        raise NotImplementedError

    def restart(self) -> None:
        """Have it stop the gateway and start it."""
        raise NotImplementedError

    def reload(self) -> None:
        """Have it send SIGHUP to the master."""
        master(self.gateway).send_signal(signal.SIGHUP)

    def reader(self) -> psutil.Process | None:
        """The process that reads the gateway's console."""
        return None

    def install(self, source: str, target: Path) -> Path:
        """Copy a file of `deploy/` as an operator would, with his own folder, user, log and port."""
        text = (ROOT / "deploy" / source).read_text()
        user = getpass.getuser()
        for old, new in (
            ("/opt/whatsapp-service", str(self.gateway.root)), ("/run/whatsapp-service.pid", f"{self.folder}/pid"),
            ("/var/log/whatsapp-service", f"{self.folder}/log"), ("port 8000", f"port {self.gateway.port}"),
            ("user=whatsapp", f"user={user}"), ("uid = whatsapp", f"uid = {user}"), ("-u whatsapp", f"-u {user}"),
            ("setuidgid whatsapp", f"setuidgid {user}"),
        ):  # fmt: skip
            text = text.replace(old, new)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod((ROOT / "deploy" / source).stat().st_mode & 0o777)
        return target

    def spawn(self, *command: str) -> psutil.Process:
        """Start the manager's own process, in the foreground."""
        with (self.gateway.directory / "manager.txt").open("ab") as output:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True,
            )  # fmt: skip
        self.spawned.append(process)
        return psutil.Process(process.pid)

    def ask(self, *command: str) -> None:
        """Run one of the manager's commands."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environ, capture_output=True, text=True, timeout=90, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the manager, which has the mark of the drill and no settings."""
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.folder), "GATEWAY_UNDER_TEST": self.gateway.mark}

    def end(self) -> None:
        """End the manager and whatever it left: a manager first, which would start again what ends."""
        for manager in self.spawned:
            manager.kill()
            manager.wait(10)
        self.gateway.kill()


class Supervisor(Manager):
    programs = ("supervisord", "supervisorctl")

    def prepare(self) -> None:
        included = self.install(f"supervisor/{NAME}.conf", self.folder / "program.conf")
        (self.folder / "supervisord.conf").write_text(
            f"[unix_http_server]\nfile={self.folder}/socket\n[supervisord]\nnodaemon=true\npidfile={self.folder}/own\n"
            f"logfile={self.folder}/own.log\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory ="
            " supervisor.rpcinterface:make_main_rpcinterface\n"
            f"[supervisorctl]\nserverurl=unix://{self.folder}/socket\n[include]\nfiles={included}\n"
        )

    def begin(self) -> None:
        self._reader = self.spawn("supervisord", "-c", "supervisord.conf")

    def _ctl(self, *arguments: str) -> None:
        self.ask("supervisorctl", "-c", "supervisord.conf", *arguments, NAME)

    def stop(self) -> None:
        self._ctl("stop")

    def start(self) -> None:
        self._ctl("start")

    def restart(self) -> None:
        self._ctl("restart")

    def reload(self) -> None:
        self._ctl("signal", "HUP")

    def reader(self) -> psutil.Process | None:
        return self._reader


class Circus(Manager):
    programs = ("circusd", "circusctl")

    def prepare(self) -> None:
        self._at = free_port()
        watcher = self.install(f"circus/{NAME}.ini", self.folder / "watcher.ini")
        (self.folder / "circus.ini").write_text(
            f"[circus]\nendpoint = tcp://127.0.0.1:{self._at}\npubsub_endpoint = tcp://127.0.0.1:{self._at + 1}\n\n"
            + watcher.read_text()
        )

    def begin(self) -> None:
        self._reader = self.spawn("circusd", "circus.ini")

    def _ctl(self, *arguments: str) -> None:
        self.ask("circusctl", "--timeout", "80", "--endpoint", f"tcp://127.0.0.1:{self._at}", *arguments)

    def stop(self) -> None:
        self._ctl("stop", NAME, "--waiting")

    def start(self) -> None:
        self._ctl("start", NAME, "--waiting")

    def restart(self) -> None:
        self._ctl("restart", NAME, "--waiting")

    def reload(self) -> None:
        self._ctl("signal", NAME, "hup")

    def reader(self) -> psutil.Process | None:
        return self._reader


class Pm2(Manager):
    programs = ("pm2",)

    def prepare(self) -> None:
        self.install("pm2/ecosystem.config.js", self.folder / "ecosystem.config.js")

    @property
    def environ(self) -> dict[str, str]:
        return {**super().environ, "PM2_HOME": str(self.folder / "pm2"), "PM2_NO_INTERACTION": "true"}

    def begin(self) -> None:
        self.ask("pm2", "start", "ecosystem.config.js")

    def stop(self) -> None:
        self.ask("pm2", "stop", NAME)

    def start(self) -> None:
        self.ask("pm2", "start", NAME)

    def restart(self) -> None:
        self.ask("pm2", "restart", NAME)

    def reload(self) -> None:
        self.ask("pm2", "sendSignal", "SIGHUP", NAME)

    def reader(self) -> psutil.Process | None:
        return psutil.Process(int((self.folder / "pm2" / "pm2.pid").read_text()))


class _Supervised(Manager):
    """One of the family of daemontools: a folder with `run`, and another for the log."""

    kind, logger = "", ""

    def prepare(self) -> None:
        self.service = self.folder / "services" / NAME
        for source in sorted((ROOT / "deploy" / self.kind / NAME).rglob("*")):
            if source.is_file():
                name = source.relative_to(ROOT / "deploy")
                self.install(str(name), self.service / source.relative_to(ROOT / "deploy" / self.kind / NAME))
        (self.folder / "log").mkdir()

    def reader(self) -> psutil.Process | None:
        return next(each for each in self.gateway.processes() if each.name() == self.logger)

    def _wait_stopped(self) -> None:
        wait_for(lambda: not gateway_processes(self.gateway), 60)


class Runit(_Supervised):
    programs = ("runsvdir", "sv", "chpst", "svlogd")
    kind, logger = "runit", "svlogd"

    def begin(self) -> None:
        self.spawn("runsvdir", "-P", str(self.folder / "services"))

    def _sv(self, what: str) -> None:
        self.ask("sv", "-w", "60", what, str(self.service))

    def stop(self) -> None:
        self._sv("stop")

    def start(self) -> None:
        self._sv("start")

    def restart(self) -> None:
        self._sv("restart")

    def reload(self) -> None:
        self._sv("hup")


class S6(_Supervised):
    programs = ("s6-svscan", "s6-svc", "s6-log", "s6-setuidgid")
    kind, logger = "s6", "s6-log"

    def begin(self) -> None:
        self.spawn("s6-svscan", str(self.folder / "services"))

    def stop(self) -> None:
        self.ask("s6-svc", "-wD", "-T", "60000", "-d", str(self.service))

    def start(self) -> None:
        self.ask("s6-svc", "-wu", "-T", "60000", "-u", str(self.service))

    def restart(self) -> None:
        self.ask("s6-svc", "-wR", "-T", "60000", "-r", str(self.service))

    def reload(self) -> None:
        self.ask("s6-svc", "-h", str(self.service))


class Daemontools(_Supervised):
    programs = ("svscan", "svc", "multilog", "setuidgid")
    kind, logger = "daemontools", "multilog"

    def begin(self) -> None:
        self.spawn("svscan", str(self.folder / "services"))

    def stop(self) -> None:
        self.ask("svc", "-d", str(self.service))
        self._wait_stopped()

    def start(self) -> None:
        self.ask("svc", "-u", str(self.service))

    def restart(self) -> None:
        self.ask("svc", "-t", str(self.service))

    def reload(self) -> None:
        self.ask("svc", "-h", str(self.service))


class Sysv(Manager):
    programs = ("start-stop-daemon",)
    restarts_what_was_killed = False

    def prepare(self) -> None:
        self.script = str(self.install(f"sysv/{NAME}", self.folder / NAME))
        script = Path(self.script)
        script.write_text(script.read_text().replace("user=whatsapp", f"user={getpass.getuser()}"))

    def begin(self) -> None:
        self.ask(self.script, "start")

    def stop(self) -> None:
        self.ask(self.script, "stop")

    def start(self) -> None:
        self.ask(self.script, "start")

    def restart(self) -> None:
        self.ask(self.script, "restart")

    def reload(self) -> None:
        self.ask(self.script, "reload")


class Monit(Sysv):
    programs = ("monit", "start-stop-daemon")
    restarts_what_was_killed = True

    def prepare(self) -> None:
        super().prepare()
        check = self.install(f"monit/{NAME}", self.folder / "check")
        script = f"/usr/bin/env GATEWAY_UNDER_TEST={self.gateway.mark} {self.script}"
        check.write_text(check.read_text().replace(f"/etc/init.d/{NAME}", script))
        self.control = self.folder / "monitrc"
        self.control.write_text(
            f"set daemon 1\nset pidfile {self.folder}/own\nset idfile {self.folder}/id\nset statefile"
            f" {self.folder}/state\nset httpd unixsocket {self.folder}/socket allow x:y\ninclude {check}\n"
        )
        self.control.chmod(0o600)

    def begin(self) -> None:
        self.spawn("monit", "-I", "-c", str(self.control))

    def _monit(self, what: str) -> None:
        self.ask("monit", "-c", str(self.control), what, NAME)

    def stop(self) -> None:
        self._monit("stop")
        wait_for(lambda: not gateway_processes(self.gateway), 60)

    def start(self) -> None:
        self._monit("start")

    def restart(self) -> None:
        self._monit("restart")


class Tini(Manager):
    """Process 1 of a container, as near as one comes without: it hands signals on."""

    programs = ("tini",)
    restarts_what_was_killed = False

    def begin(self) -> None:
        self._tini = self.spawn("tini", "-s", "--", str(self.gateway.root / "run.sh"))

    def stop(self) -> None:
        self._tini.terminate()
        assert self.spawned[-1].wait(60) == 0

    def start(self) -> None:
        self.begin()

    def restart(self) -> None:
        self.stop()
        self.start()

    def reload(self) -> None:
        self._tini.send_signal(signal.SIGHUP)


MANAGERS: dict[str, type[Manager]] = {
    "supervisor": Supervisor, "circus": Circus, "pm2": Pm2, "runit": Runit, "s6": S6, "daemontools": Daemontools,
    "sysv": Sysv, "monit": Monit, "tini": Tini,
}  # fmt: skip


def gateway_processes(gateway: Gateway) -> list[psutil.Process]:
    """The gateway's own processes: those that run its Python."""
    return [each for each in gateway.processes() if _is_ours(each, gateway)]


def _is_ours(process: psutil.Process, gateway: Gateway) -> bool:
    try:
        command = process.cmdline()
        return str(gateway.root / ".venv") in " ".join(command[:1]) or "app.start.serve" in command
    except psutil.NoSuchProcess:
        return False


def master(gateway: Gateway) -> psutil.Process:
    """The master: the one whose parent is none of the gateway's."""
    ours = {process.pid: process for process in gateway_processes(gateway)}
    (found,) = [each for each in ours.values() if each.ppid() not in ours and "app.start.serve" in each.cmdline()]
    return found


def _web_processes(gateway: Gateway) -> list[psutil.Process]:
    found = []
    for each in master(gateway).children():
        with suppress(psutil.Error):  # one that has just ended
            if "app.start.serve" in each.cmdline():
                found.append(each)
    return found


def _admits(gateway: Gateway, key: str) -> bool:
    try:
        answer = gateway.request("GET", "/api/messages", headers={"Authorization": f"Bearer {key}"})
    except OSError:
        return False
    return answer.status == 200


def _is_whole(gateway: Gateway) -> bool:
    """Whether everything runs: one master, its web processes, one worker that was seen."""
    try:
        state = gateway.get("/readyz", timeout=2).json()
        return bool(
            state["status"] == "ready" and state["worker"]["state"] == "running" and master(gateway).is_running()
        ) and (len(_web_processes(gateway)), len(gateway.job_workers())) == (2, 1)
    except (OSError, ValueError, psutil.NoSuchProcess):
        return False


def _write_env(gateway: Gateway, **changes: str) -> None:
    usual = settings(gateway.directory, gateway.port, gateway.database_url) | dict(gateway.extra) | changes
    (gateway.root / ".env").write_text("".join(f"{name}={text}\n" for name, text in usual.items()))
    (gateway.root / ".env").chmod(0o600)


def _with_sends(gateway: Gateway, meta: MetaStandIn, act: Callable[[], None]) -> None:
    """Do it while sends are at Meta: every one of them is answered."""
    is_done = threading.Event()
    with ThreadPoolExecutor(SENDS) as pool:
        before, called = begun(gateway), calls(meta)
        waiting = [pool.submit(send_until_taken, gateway, before + each, is_done) for each in range(SENDS)]
        wait_for(lambda: calls(meta) >= called + SENDS)
        is_done.set()
        act()
        assert [each.result(60).status for each in waiting] == [200] * SENDS


def _drill(kind: type[Manager], directory: Path) -> None:
    gateway = Gateway(directory, root=copy_project(directory / "project"))
    with SlowMeta() as meta:
        gateway.extra = {"GRAPH_API_URL": meta.url, "LOG_LEVEL": "DEBUG"}
        _write_env(gateway)
        manager = kind(gateway)
        try:
            manager.begin()
            wait_for(lambda: _is_whole(gateway), 60)

            _with_sends(gateway, meta, manager.stop)
            assert not psutil.wait_procs(gateway_processes(gateway), timeout=META_SECONDS)[1]

            manager.start()
            wait_for(lambda: _is_whole(gateway), 60)
            _stop_the_reader(manager)
            if IS_LONG:
                _kill_parts(manager)
                _with_sends(gateway, meta, manager.restart)
                wait_for(lambda: _is_whole(gateway), 60)
            _with_sends(gateway, meta, partial(_reload, manager))
            manager.stop()
            assert not psutil.wait_procs(gateway_processes(gateway), timeout=META_SECONDS)[1]
        finally:
            manager.end()


def _kill_parts(manager: Manager) -> None:
    gateway = manager.gateway
    for part in (lambda: _web_processes(gateway)[0], lambda: gateway.job_workers()[0], lambda: master(gateway)):
        process = part()
        if process == master(gateway) and not manager.restarts_what_was_killed:
            return
        end_now(process)
        psutil.wait_procs([process], timeout=5)
        wait_for(lambda: _is_whole(gateway), 60)


def _stop_the_reader(manager: Manager) -> None:
    reader = manager.reader()
    if reader is None:
        return
    reader.suspend()
    try:
        for _ in range(1_000):  # of 150 bytes and more, a pipe takes some 400
            assert manager.gateway.get("/api/messages", timeout=5).status == 200
    finally:
        reader.resume()


def _reload(manager: Manager) -> None:
    gateway = manager.gateway
    before = master(gateway).pid
    _write_env(gateway, API_KEY=OTHER_KEY, WORKER_THREADS="many")
    manager.reload()
    until = time.monotonic() + 3
    while time.monotonic() < until:  # nothing happens, for as long as something would have taken
        assert _admits(gateway, API_KEY)
        time.sleep(0.1)
    _write_env(gateway, API_KEY=OTHER_KEY)
    manager.reload()
    wait_for(lambda: _admits(gateway, OTHER_KEY) and not _admits(gateway, API_KEY), 60)
    assert master(gateway).pid == before
    wait_for(lambda: len(gateway.job_workers()) == 1 and len(_web_processes(gateway)) == 2, 60)


def _procfile(directory: Path, command: tuple[str, ...]) -> None:
    """`honcho start` and `nf start`: every line at once, `.env` read by them, and one worker that works."""
    gateway = Gateway(directory, root=copy_project(directory / "project"))
    _write_env(gateway, WHATSAPP_VERIFY_TOKEN="verify-0123456789#abc")
    manager = Manager(gateway)
    path = f"{gateway.root / '.venv' / 'bin'}{os.pathsep}{manager.environ['PATH']}"
    try:
        with gateway.output.open("ab") as output:
            started = subprocess.Popen(
                command, cwd=gateway.root, env={**manager.environ, "PATH": path, "PORT": str(gateway.port)},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        gateway.wait_ready()
        wait_for(lambda: "stands back until it is gone" in gateway.output.read_text(), 60)
        assert "WHATSAPP_VERIFY_TOKEN to another value than .env" in gateway.output.read_text()
        assert started.poll() is None
        started.terminate()
        started.wait(60)
        wait_for(lambda: not gateway_processes(gateway), 30)
    finally:
        gateway.kill()


PROCFILES: dict[str, tuple[str, ...]] = {"honcho": ("honcho", "start"), "nf": ("nf", "start")}


def _needed(name: str) -> tuple[str, ...]:
    return MANAGERS[name].programs if name in MANAGERS else PROCFILES[name][:1]


def _missing(name: str) -> list[str]:
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return [program for program in _needed(name) if shutil.which(program, path=path) is None]


CASES = [*MANAGERS, *PROCFILES]


@pytest.fixture(scope="module")
def drills() -> Iterator[dict[str, Future[None]]]:
    cases: dict[str, Drill] = {}
    for name in CASES:
        if not _missing(name):
            cases[name] = (
                partial(_drill, MANAGERS[name]) if name in MANAGERS else partial(_procfile, command=PROCFILES[name])
            )
    with tempfile.TemporaryDirectory(prefix="managers-") as folder:
        with together(cases, Path(folder), at_once=2) as running_drills:
            yield running_drills


@pytest.mark.parametrize("name", CASES)
def test_it_is_managed(drills: dict[str, Future[None]], name: str) -> None:
    if _missing(name):
        pytest.skip(f"not installed: {', '.join(_missing(name))}")
    drills[name].result(DRILL_SECONDS)

"""What any process manager may do to the gateway, without one: it serves on, says what it did not do, ends in order.

The managers themselves: `DRILL=long .venv/bin/pytest tests/drills/test_managers.py`.
"""

from __future__ import annotations

import fcntl
import http.client
import os
import pty
import signal
import subprocess
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.drills.conftest import IS_LONG, sized, some_of
from tests.load.gateway import API_KEY, BIN, ONE_WEB, ROOT, Gateway, end_now, running
from tests.load.in_flight import TOKEN, SlowMeta, calls, send_until_taken, wait_for
from tests.load.together import Drill, together
from tests.load.tree import copy_project

DRILL_SECONDS = 300.0
F_SETPIPE_SZ = 1031
EARLY = (0.2, 0.6, 1.0, 1.4, 1.8, 2.4, 3.2) if IS_LONG else (0.6, 1.6)
"""When a start is stopped: while it is imported, while it migrates, when processes were just forked."""


@contextmanager
def _served(gateway: Gateway, output: int, *command: str) -> Iterator[Gateway]:
    """A gateway whose console is `output`."""
    try:
        gateway.start_into(output, *command)
        gateway.wait_ready()
        yield gateway
    finally:
        gateway.kill()


def _worker_pid(gateway: Gateway) -> int:
    return gateway.job_workers()[0].pid


def _is_worker_running(gateway: Gateway) -> bool:
    return bool(gateway.get("/readyz", timeout=60).json()["worker"]["state"] == "running")


def _kill_worker_and_see_another(gateway: Gateway) -> None:
    wait_for(lambda: bool(gateway.job_workers()) and _is_worker_running(gateway), 30)
    old = _worker_pid(gateway)
    end_now(psutil.Process(old))
    wait_for(lambda: any(process.pid != old for process in gateway.job_workers()), 20)
    wait_for(lambda: _is_worker_running(gateway), 30)


def _stop_in_order(gateway: Gateway, seconds: float = 30) -> None:
    assert gateway.process is not None
    gateway.process.terminate()
    assert gateway.process.wait(seconds) == 0
    wait_for(lambda: not gateway.processes(), 10)


def _reader_stopped(directory: Path) -> None:
    gateway = Gateway(directory, ONE_WEB | {"LOG_LEVEL": "DEBUG"})
    reading, writing = os.pipe()
    fcntl.fcntl(writing, F_SETPIPE_SZ, 4096)
    with _served(gateway, writing):
        os.close(writing)
        for _ in range(sized(150, 3_000)):
            assert gateway.get("/api/messages", timeout=5).status == 200
        assert gateway.get("/healthz", timeout=5).status == 200
        _kill_worker_and_see_another(gateway)
        _stop_in_order(gateway)
    assert len(os.read(reading, 8_192)) > 3_000  # it was full, and nobody minded
    os.close(reading)


def _reader_gone(directory: Path) -> None:
    gateway = Gateway(directory, ONE_WEB | {"LOG_LEVEL": "DEBUG"})
    reading, writing = os.pipe()
    with _served(gateway, writing):
        os.close(writing)
        os.close(reading)
        _kill_worker_and_see_another(gateway)
        assert gateway.get("/api/messages").status == 200
        _stop_in_order(gateway)


def _terminal_hangs_up(directory: Path) -> None:
    """The kernel sends SIGHUP to all in the foreground, and what is written then fails: both cost nothing in hand."""
    ours, theirs = pty.openpty()
    with SlowMeta() as meta, ThreadPoolExecutor(3) as pool:
        gateway = Gateway(directory, ONE_WEB | {"GRAPH_API_URL": meta.url, "WHATSAPP_ACCESS_TOKEN": TOKEN})
        try:
            gateway.process = subprocess.Popen(
                [str(BIN / gateway.command[0]), *gateway.command[1:]], cwd=ROOT, env=gateway.env,
                start_new_session=True, stdin=theirs, stdout=theirs, stderr=theirs,
                preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            )  # fmt: skip
            os.close(theirs)
            gateway.wait_ready()
            is_done = threading.Event()
            waiting = [pool.submit(send_until_taken, gateway, each, is_done) for each in range(3)]
            wait_for(lambda: calls(meta) >= 3)
            is_done.set()
            os.close(ours)
            assert [each.result(60).status for each in waiting] == [200] * 3
            _kill_worker_and_see_another(gateway)
            _stop_in_order(gateway)
        finally:
            gateway.kill()


def _nobody_from_the_start(directory: Path, *command: str) -> None:
    gateway = Gateway(directory, ONE_WEB, root=copy_project(directory / "project") if command else ROOT)
    reading, writing = os.pipe()
    os.close(reading)
    with _served(gateway, writing, *command):
        os.close(writing)
        _stop_in_order(gateway)


def _disk_full(directory: Path) -> None:
    gateway = Gateway(directory, ONE_WEB | {"LOG_DIR": "/dev/full"})
    full = os.open("/dev/full", os.O_WRONLY)
    with _served(gateway, full):
        os.close(full)
        _kill_worker_and_see_another(gateway)
        _stop_in_order(gateway)


def _early_stop(directory: Path) -> None:
    for number, delay in enumerate(EARLY):
        folder = directory / str(number)
        (folder / "tmp").mkdir(parents=True)
        gateway = Gateway(folder, {"TMPDIR": str(folder / "tmp")})
        with running(gateway, ready=False):
            time.sleep(delay)  # a moment of the start is what is tried
            assert gateway.process is not None
            gateway.process.terminate()
            assert gateway.process.wait(12) in (0, 128 + signal.SIGTERM, -signal.SIGTERM), (delay, gateway.tail())
            assert not psutil.wait_procs(gateway.processes(), timeout=2)[1], delay
        assert not list((folder / "tmp").glob("whatsapp-service-metrics-*")), delay


def _another_is_refused(directory: Path) -> None:
    gateway = Gateway(directory)
    with running(gateway):
        assert gateway.process is not None
        before = {process.pid for process in gateway.web_workers()}
        gateway.process.send_signal(signal.SIGUSR2)
        wait_for(lambda: "SIGUSR2 starts no second server" in gateway.tail(), 20)
        for process in gateway.web_workers():
            process.send_signal(signal.SIGUSR2)  # as a manager does that signals all
            process.send_signal(signal.SIGHUP)
        assert gateway.get("/healthz").status == 200
        assert {process.pid for process in gateway.web_workers()} == before
        _stop_in_order(gateway)


def _reload(directory: Path) -> None:
    gateway = Gateway(directory, root=copy_project(directory / "project"))
    env = gateway.root / ".env"

    def write(key: str, *lines: str) -> None:
        env.write_text("\n".join((f"API_KEY={key}", *lines, "")))

    def admits(key: str) -> bool:
        headers = {"Authorization": f"Bearer {key}"}
        # Who connects while web processes change may wait for the new ones, which a busy machine starts slowly.
        return gateway.request("GET", "/api/messages", headers=headers, timeout=60).status == 200

    environ = {name: text for name, text in gateway.env.items() if name != "API_KEY"}
    write(API_KEY)
    new_key = "another-drill-key-0123456789abcdef"
    with _bare(gateway, environ):
        wait_for(lambda: _is_worker_running(gateway), 30)
        assert gateway.process is not None
        worker = _worker_pid(gateway)

        write(new_key, "WORKER_THREADS=many")
        gateway.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "The settings were not taken; those of before go on." in gateway.tail(), 20)
        assert "WORKER_THREADS: must be a whole number" in gateway.tail()
        end_now(gateway.web_workers()[0])  # the one that is started in its place has the old settings, too
        wait_for(lambda: len(gateway.web_workers()) == 2, 20)
        assert admits(API_KEY) and not admits(new_key)

        write(new_key, "PORT=1")
        gateway.process.send_signal(signal.SIGHUP)
        wait_for(lambda: gateway.tail().count("The settings were not taken") == 1, 20)  # the environment's PORT counts

        write(new_key, "WORKER_THREADS=3")
        gateway.process.send_signal(signal.SIGHUP)
        wait_for(lambda: admits(new_key), 30)
        wait_for(lambda: not admits(API_KEY), 30)
        wait_for(lambda: _another(gateway, worker), 40)
        assert psutil.Process(_worker_pid(gateway)).environ()["WORKER_THREADS"] == "3"
        assert "starting it again" not in gateway.output.read_text()
        _stop_in_order(gateway)


def _another(gateway: Gateway, old: int) -> bool:
    pids = {process.pid for process in gateway.job_workers()}
    return bool(pids) and old not in pids


@contextmanager
def _bare(gateway: Gateway, environ: dict[str, str]) -> Iterator[None]:
    """The gateway with exactly this environment; what else it needs is in its `.env`."""
    try:
        with gateway.output.open("ab") as output:
            gateway.process = subprocess.Popen(
                [str(BIN / gateway.command[0]), *gateway.command[1:]], cwd=gateway.root, env=environ,
                start_new_session=True, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        gateway.wait_ready()
        yield
    finally:
        gateway.kill()


def _idle_connections(directory: Path) -> None:
    gateway = Gateway(directory, ONE_WEB | {"DRAIN_SECONDS": "2"})
    with running(gateway):
        kept, idle = (http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10) for _ in range(2))
        for connection in (kept, idle):
            answer = _ask(connection)
            assert (answer.getheader("Connection"), answer.getheader("Keep-Alive")) == ("keep-alive", "timeout=75")
        assert gateway.process is not None
        began = time.monotonic()
        gateway.process.terminate()
        wait_for(lambda: gateway.get("/readyz").status == 503, 10)

        answer = _ask(kept)
        assert (answer.getheader("Connection"), answer.getheader("Keep-Alive")) == ("close", None)
        kept.close()

        assert gateway.process.wait(20) == 0
        assert time.monotonic() - began < 2 + 2 + 4  # the drain, the time an idle connection has, the processes' end
        idle.close()


def _ask(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    answer.read()
    return answer


def _after_a_kill(directory: Path) -> None:
    """The processes that it leaves behind have the port for a moment, and its folder of numbers is nobody's."""
    (directory / "tmp").mkdir()
    gateway = Gateway(directory, ONE_WEB | {"TMPDIR": str(directory / "tmp")}, root=copy_project(directory / "project"))
    with running(gateway, ready=False):
        gateway.wait_ready()
        assert gateway.process is not None
        end_now(psutil.Process(gateway.process.pid))
        gateway.process.wait()
        with gateway.output.open("ab") as output:
            gateway.start_into(output.fileno(), "./run.sh")
        wait_for(lambda: gateway.tail().count("Listening on") == 2, 60)
        gateway.wait_ready()
        assert len(list((directory / "tmp").glob("whatsapp-service-metrics-*"))) == 1
        _stop_in_order(gateway)


def _rotation(directory: Path) -> None:
    gateway = Gateway(directory, ONE_WEB | {"LOG_LEVEL": "DEBUG"})
    with running(gateway):
        assert gateway.process is not None
        wait_for(lambda: _is_worker_running(gateway), 30)
        gateway.output.rename(directory / "moved.txt")
        gateway.process.send_signal(signal.SIGUSR1)
        wait_for(gateway.output.exists, 20)

        def has_all() -> bool:
            gateway.get("/api/messages")
            text = gateway.output.read_text()
            return all(f"web[{process.pid}]" in text for process in gateway.web_workers())

        wait_for(has_all, 30)
        _kill_worker_and_see_another(gateway)
        assert "starting it again" in gateway.output.read_text()  # the master's lines, and its children's
        _stop_in_order(gateway)


def _two_workers(directory: Path) -> None:
    """As `honcho start` has them: the second one is told, stands back, and works once the first is gone."""
    gateway = Gateway(directory, ONE_WEB)
    with running(gateway):
        wait_for(lambda: _is_worker_running(gateway), 30)
        second = gateway.start_worker()
        wait_for(lambda: "stands back until it is gone" in gateway.tail(), 40)
        assert gateway.tail().count("worker started") == 1
        assert gateway.process is not None
        gateway.process.terminate()
        assert gateway.process.wait(30) == 0
        wait_for(lambda: gateway.tail().count("worker started") == 2, 60)
        second.terminate()
        assert second.wait(30) == 0


def _second_worker_first(directory: Path) -> None:
    """It was there before the embedded one: it gives back what it has in hand, and stands back."""
    gateway = Gateway(directory, ONE_WEB)
    try:
        second = gateway.start_worker()
        wait_for(lambda: "worker started" in gateway.tail(), 40)
        gateway.start()
        wait_for(lambda: "stands back until it is gone" in gateway.tail(), 60)
        assert second.poll() is None
        second.terminate()
        assert second.wait(30) == 0
    finally:
        gateway.kill()


CASES: dict[str, Drill] = {
    "reader stopped": _reader_stopped,
    "reader gone": _reader_gone,
    "terminal hangs up": _terminal_hangs_up,
    "nobody reads from the start": _nobody_from_the_start,
    "disk full": _disk_full,
    "early stop": _early_stop,
    "SIGUSR2": _another_is_refused,
    "SIGHUP": _reload,
    "idle connections": _idle_connections,
    "after a kill": _after_a_kill,
    "SIGUSR1": _rotation,
    "two workers": _two_workers,
    "second worker first": _second_worker_first,
}
CASES["nobody reads ./run.sh"] = lambda directory: _nobody_from_the_start(directory, "./run.sh")
CASES = some_of(CASES, "reader gone", "SIGHUP", "after a kill", "two workers")


@pytest.fixture(scope="module")
def drills() -> Iterator[dict[str, Future[None]]]:
    with tempfile.TemporaryDirectory(prefix="guest-") as folder:
        with together(CASES, Path(folder), at_once=2) as running_drills:
            yield running_drills


@pytest.mark.parametrize("case", CASES)
def test_it_behaves(drills: dict[str, Future[None]], case: str) -> None:
    drills[case].result(DRILL_SECONDS)

"""What a person meets when starting the gateway, each failure with its remedy. Nothing is downloaded."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.config.parsers import ROOT
from tests.load.gateway import free_port

SECRETS = ["API_KEY", "SECRET_KEY", "ENCRYPTION_KEY", "WHATSAPP_VERIFY_TOKEN", "SIMULATOR_APP_SECRET"]
TOOLS = ["bash", "cat", "cp", "dirname", "env", "ln", "mkdir", "rm", "sleep", "tr"]
NOBODY = 65534


class Project:
    """A copy of what run.sh needs, whose .venv is ours under another name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env_file = folder / ".env"
        for name in ("run.sh", "requirements.txt", "requirements.lock"):
            shutil.copy(ROOT / name, folder / name)

    def add_code(self) -> None:
        for package in ("app", "simulator"):
            shutil.copytree(ROOT / package, self.folder / package)  # with what is compiled of it
        preflight = self.folder / "app" / "start" / "preflight.py"
        text = preflight.read_text()
        assert "\nWAIT_SECONDS = 5.0\n" in text
        preflight.write_text(text.replace("\nWAIT_SECONDS = 5.0\n", "\nWAIT_SECONDS = 0.5\n"))
        (self.folder / "gunicorn.conf.py").write_text("import os\nbind = f\"127.0.0.1:{os.environ['PORT']}\"\n")
        (self.folder / "wsgi.py").write_text("def app(_, start):\n    start('200 OK', [])\n    return [b'started']\n")

    def add_our_venv(self) -> None:
        (self.folder / ".venv" / "bin").mkdir(parents=True)
        for path in [*Path(sys.prefix).iterdir(), *(Path(sys.prefix) / "bin").iterdir()]:
            if path.name != "bin" and not path.name.startswith(".installed"):
                (self.folder / ".venv" / path.relative_to(sys.prefix)).symlink_to(path)

    def add_program(self, path: str, script: str) -> None:
        program = self.folder / path
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def add_slow_python(self) -> str:
        """Return a PATH whose Python makes a .venv that seems to work, at once or, while `slow` is there, never."""
        path = self.tools_only()
        pip = 'case "$*" in *install*) echo x >>pips; while [ -e slow-pip ]; do sleep 0.05; done;; esac'
        self.add_program("made-python", pip)
        make = "mkdir -p .venv/bin; cp made-python .venv/bin/python; echo x >>venvs"
        self.add_program(
            "tools/python3.12",
            f'case "$*" in *fcntl*) exec {sys.executable} "$@";;'
            f" *venv*) {make}; while [ -e slow-venv ]; do sleep 0.05; done;; esac",
        )
        return path

    def count(self, name: str) -> int:
        """How often something was done."""
        made = self.folder / name
        return made.read_text().count("x") if made.exists() else 0

    def start(self, path: str, *arguments: str) -> subprocess.Popen[str]:
        """Start run.sh as a terminal does: in a group of its own, which Ctrl-C reaches as a whole."""
        return subprocess.Popen(
            [self.folder / "run.sh", *arguments],
            env={"PATH": path},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "run.sh", *arguments],
            cwd="/",
            env={"PATH": os.environ["PATH"]} | environ,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def tools_only(self) -> str:
        """Return a PATH on which there is a shell and no Python."""
        folder = self.folder / "tools"
        folder.mkdir()
        for tool in TOOLS:
            (folder / tool).symlink_to(str(shutil.which(tool)))
        return str(folder)


def test_a_first_run_makes_secrets_that_only_the_owner_can_read(ready: Project, taken_port: int) -> None:
    done = ready.run(PORT=str(taken_port))

    made = dict(re.findall(r"^(\w+)=(.+)$", ready.env_file.read_text(), re.MULTILINE))
    assert done.returncode == 2
    assert "Made .env with new secrets" in done.stderr
    assert ready.env_file.stat().st_mode & 0o777 == 0o600
    assert made.pop("PORT") == str(taken_port)
    assert sorted(made) == sorted(SECRETS)
    assert len(set(made.values())) == len(SECRETS)
    assert not [secret for secret in made.values() if secret in done.stdout + done.stderr]


def test_a_taken_port_is_named_with_its_remedy_and_env_is_left_alone(ready: Project, taken_port: int) -> None:
    ready.run(PORT=str(taken_port))
    before = ready.env_file.read_bytes()

    done = ready.run(PORT=str(taken_port))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"PORT: port {taken_port} is taken; waiting 0.5 s at most for whoever has it to end.\n"
        f"The gateway cannot start:\n  PORT: port {taken_port} is taken, perhaps by a gateway that already runs; stop"
        " it, or set another PORT in .env\n"
    )
    assert ready.env_file.read_bytes() == before


def test_it_starts_from_any_folder_a_second_run_is_refused_and_ctrl_c_stops_it(ready: Project) -> None:
    port = free_port()
    environ = {"PATH": os.environ["PATH"], "PORT": str(port)}
    first = subprocess.Popen([ready.folder / "run.sh"], cwd="/", env=environ, stderr=subprocess.DEVNULL)

    try:
        answer = ask_until_it_answers(f"http://127.0.0.1:{port}/")
        second = ready.run(PORT=str(port))
        first.send_signal(signal.SIGINT)
        code = first.wait(timeout=20)
    finally:
        first.kill()
        first.wait(timeout=20)

    assert answer == b"started"
    assert (second.returncode, f"port {port} is taken" in second.stderr) == (2, True)
    assert code == 0


def test_every_problem_of_a_broken_env_is_named_without_a_traceback(ready: Project) -> None:
    ready.env_file.write_text("PORT=eighty\nAPI_KEY=too-short\nthis is no setting\nLOG_FORMAT=xml\nWHATSAPP_TOKEN=x\n")
    before = ready.env_file.read_bytes()

    done = ready.run()

    named = re.findall(r"^  ([A-Z_]+): ", done.stderr, re.MULTILINE)
    assert done.returncode == 2
    assert set(named) == {*SECRETS, "PORT", "LOG_FORMAT"}
    assert "  .env, line 3: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "too-short" not in done.stderr and "no setting" not in done.stderr
    assert ready.env_file.read_bytes() == before


def test_an_env_file_that_is_a_folder_is_told_apart(ready: Project) -> None:
    ready.env_file.mkdir()

    done = ready.run()

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_environment_that_brings_its_own_secrets_needs_no_env_file(ready: Project, taken_port: int) -> None:
    secrets = dict.fromkeys(SECRETS, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")

    done = ready.run(PORT=str(taken_port), **secrets)

    assert re.findall(r"^  ([A-Z_]+): ", done.stderr, re.MULTILINE) == ["PORT"]
    assert not ready.env_file.exists()


@pytest.mark.parametrize("found", [[], ["python3"]])
def test_without_python_3_11_it_says_what_to_install(bare: Project, found: list[str]) -> None:
    path = bare.tools_only()
    for name in found:
        bare.add_program(f"tools/{name}", "exit 1")  # too old: says no when asked for its version

    done = bare.run(PATH=path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Python 3.11 or newer is needed and was not found. Install it (")
    assert not (bare.folder / ".venv").exists()


def test_a_python_that_cannot_make_a_venv_leaves_none_behind(bare: Project) -> None:
    path = bare.tools_only()
    bare.add_program(
        "tools/python3.12",
        'case "$*" in *venv*) mkdir .venv; echo "ensurepip is not available"; exit 1;; esac',
    )

    done = bare.run(PATH=path)

    assert done.returncode == 1
    assert "Making .venv with python3.12" in done.stderr
    assert "ensurepip is not available" in done.stderr
    assert done.stderr.endswith("apt install python3-venv, then run this again.\n")
    assert not (bare.folder / ".venv").exists()


def test_a_failed_installation_is_tried_again_and_a_complete_one_is_not(bare: Project) -> None:
    bare.add_program(".venv/bin/python", 'case "$*" in *install*) echo x >>"$CALLS"; [ -e "$ONLINE" ];; esac')
    environ = {"CALLS": str(bare.folder / "calls"), "ONLINE": str(bare.folder / "online")}

    offline = bare.run("install", **environ)
    (bare.folder / "online").touch()
    online = [bare.run("install", **environ) for _ in range(2)]
    (bare.folder / "requirements.lock").write_text("another==1\n")
    changed = bare.run("install", **environ)

    assert offline.returncode == 1
    assert "With a network connection, run this again." in offline.stderr
    assert [done.returncode for done in (*online, changed)] == [0, 0, 0]
    assert [done.stderr for done in online] == ["Installing requirements.lock ...\n", ""]
    assert (bare.folder / "calls").read_text().count("x") == 3


@pytest.mark.parametrize("uv", ["works", "fails"])
def test_what_tests_need_is_installed_by_uv_and_else_by_pip(bare: Project, uv: str) -> None:
    calls = f'echo "$*" >>"$CALLS"; case "$*" in *"-m uv"*) exit {int(uv == "fails")};; esac'
    bare.add_program(".venv/bin/python", calls)
    (bare.folder / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "requirements.lock", bare.folder / "tests" / "requirements.lock")

    done = bare.run("install", "tests/requirements.txt", CALLS=str(bare.folder / "calls"))

    assert done.returncode == 0, done.stderr
    installed = re.findall(r"^-m (\w+) .*--require-hashes -r (\S+)$", (bare.folder / "calls").read_text(), re.MULTILINE)
    lock = "tests/requirements.lock"
    assert installed == [("pip", ".venv/.uv.txt"), ("uv", lock), *([("pip", lock)] if uv == "fails" else [])]
    [package] = re.findall(r"^(\w+)==", (bare.folder / ".venv" / ".uv.txt").read_text(), re.MULTILINE)
    assert package == "uv"


@pytest.mark.parametrize("slow", ["venv", "pip"])
def test_ctrl_c_while_it_sets_up_is_said_and_the_next_run_makes_it_whole(bare: Project, slow: str) -> None:
    path = bare.add_slow_python()
    (bare.folder / f"slow-{slow}").touch()
    stopped = bare.start(path, "install")
    wait_until(lambda: bare.count(f"{slow}s") == 1)

    os.killpg(stopped.pid, signal.SIGINT)
    _, said = stopped.communicate(timeout=30)
    (bare.folder / f"slow-{slow}").unlink()
    again = bare.run("install", PATH=path)

    assert stopped.returncode == 130
    assert said.endswith("Nothing was started; run this again to go on.\n")
    assert again.returncode == 0, again.stderr
    assert bare.count("venvs") == 2  # what was left half made is not built upon
    assert bare.run("install", PATH=path).stderr == ""


@pytest.mark.parametrize("slow", ["venv", "pip"])
def test_sigterm_to_it_alone_ends_what_it_is_at(bare: Project, slow: str) -> None:
    path = bare.add_slow_python()
    (bare.folder / f"slow-{slow}").touch()
    stopped = bare.start(path, "install")
    wait_until(lambda: bare.count(f"{slow}s") == 1)

    stopped.terminate()  # as a manager does, and as process 1 of a container is stopped
    _, said = stopped.communicate(timeout=10)  # whoever still ran would hold the pipe open

    assert stopped.returncode == 143
    assert said.endswith("Nothing was started; run this again to go on.\n")


def test_a_venv_without_pip_is_made_again(bare: Project) -> None:
    path = bare.add_slow_python()
    bare.add_program(".venv/bin/python", 'case "$*" in *pip*) exit 1;; esac')

    done = bare.run("install", PATH=path)

    assert (done.returncode, bare.count("venvs"), bare.count("pips")) == (0, 1, 1)


def test_of_two_first_starts_at_once_one_sets_up_and_the_other_waits(bare: Project) -> None:
    path = bare.add_slow_python()
    (bare.folder / "slow-pip").touch()
    both = [bare.start(path, "install")]
    wait_until(lambda: bare.count("pips") == 1)
    both.append(bare.start(path, "install"))
    assert both[1].stderr is not None
    assert both[1].stderr.readline() == "Another ./run.sh is setting up here; waiting for it ...\n"

    (bare.folder / "slow-pip").unlink()

    assert [run.wait(timeout=60) for run in both] == [0, 0]
    assert (bare.count("venvs"), bare.count("pips")) == (1, 1)
    for run in both:
        run.communicate()


def test_ctrl_c_while_settings_are_checked_is_said(ready: Project) -> None:
    (ready.folder / "app" / "start" / "preflight.py").write_text(
        "import pathlib, time\npathlib.Path('checking').touch()\ntime.sleep(2)\n"
    )
    started = ready.start(os.environ["PATH"])
    wait_until((ready.folder / "checking").exists)

    os.killpg(started.pid, signal.SIGINT)

    _, said = started.communicate(timeout=30)
    assert (started.returncode, said.splitlines()[-1]) == (130, "Stopped before anything was served.")
    assert "Traceback" not in said


def test_ctrl_c_while_the_server_is_imported_is_said(ready: Project) -> None:
    slow = "import pathlib, time\npathlib.Path('starting').touch()\ntime.sleep(60)\n"
    (ready.folder / "gunicorn.py").write_text(slow)
    ready.env_file.write_text("PORT=0\n")
    (ready.folder / "app" / "start" / "preflight.py").write_text("def main():\n    return 0\n")
    started = ready.start(os.environ["PATH"])
    wait_until((ready.folder / "starting").exists)

    os.killpg(started.pid, signal.SIGINT)

    _, said = started.communicate(timeout=30)
    assert (started.returncode, said.splitlines()[-1]) == (130, "Stopped before anything was served.")
    assert "Traceback" not in said


def test_the_port_of_a_first_start_is_kept_for_every_later_command(ready: Project, taken_port: int) -> None:
    ready.run(PORT=str(taken_port))

    assert f"PORT={taken_port}\n" in ready.env_file.read_text()
    assert f"port {taken_port} is taken" in ready.run().stderr


def test_say_goes_to_the_port_in_env(ready: Project) -> None:
    port = free_port()
    ready.env_file.write_text(f"PORT={port}\n")

    done = subprocess.run(
        [ready.folder / ".venv" / "bin" / "python", "-m", "simulator", "say", "Hola"],
        cwd=ready.folder, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.returncode == 2
    assert f"Nothing answers at http://127.0.0.1:{port + 1}." in done.stderr


def test_a_folder_that_cannot_be_written_is_named(read_only: Project) -> None:
    as_other = NOBODY if os.getuid() == 0 else None

    done = subprocess.run(
        [read_only.folder / "run.sh"], cwd="/", capture_output=True, text=True, timeout=60, user=as_other
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"This user cannot write in {read_only.folder}, where .venv must be made.")


def test_an_unknown_argument_is_answered_with_the_usage(bare: Project) -> None:
    done = bare.run("--help")

    usage = (
        "Usage: ./run.sh, or ./run.sh words, or ./run.sh install [FILE], or ./run.sh lock [--upgrade],"
        " or ./run.sh audit, or ./run.sh sbom [FILE]\n"
    )
    assert (done.returncode, done.stderr) == (1, usage)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ask_until_it_answers(url: str) -> bytes:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                body: bytes = answer.read()
                return body
        except OSError:
            assert time.monotonic() < deadline, "it did not start"
            time.sleep(0.1)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project set up once: pip finds everything there already, and run.sh remembers."""
    project = Project(tmp_path_factory.mktemp("installed"))
    project.add_our_venv()
    assert project.run("install").returncode == 0
    project.add_code()
    return project.folder


@pytest.fixture
def ready(installed: Path, tmp_path: Path) -> Project:
    """A project of the test's own, set up but without .env."""
    shutil.copytree(installed, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


@pytest.fixture
def bare(tmp_path: Path) -> Project:
    """A project that was only just unpacked."""
    return Project(tmp_path)


@pytest.fixture
def read_only() -> Iterator[Project]:
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    project = Project(folder)
    folder.chmod(0o555)
    yield project
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        yield server.getsockname()[1]

"""The image: its recipe is linted, and what it runs is run, on a tree of the same files that cannot be written."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deploy.image import context, make_image, make_writable, unprivileged
from tests.load.bodies import Maker
from tests.load.books import Books
from tests.load.gateway import APP_SECRET, BIN, ROOT, Gateway, settings
from tests.load.in_flight import wait_for
from tests.load.senders import post_all

DOCKERFILE = (ROOT / "Dockerfile").read_text()
ENTRY = "deploy/docker/entrypoint.sh"
IN_THE_VOLUME = ("LOG_DIR", "MEDIA_DIR", "ERASURE_LEDGER")


@pytest.fixture
def image(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    home, volume = make_image(tmp_path / "image")
    yield home, volume
    make_writable(home)


@contextmanager
def container(gateway: Gateway, home: Path, *words: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """The entry script as Docker starts it: the image's environment and the user's, and nothing else."""
    image = dict(re.findall(r"\b(HOST|PORT|PYTHON\w+)=(\S+)", DOCKERFILE))
    given = settings(gateway.directory, gateway.port, "") | {"GATEWAY_UNDER_TEST": gateway.mark} | env
    kept = {name: text for name, text in given.items() if text and name not in IN_THE_VOLUME}
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", **image, **kept}
    with gateway.output.open("ab") as output:
        process = subprocess.Popen(
            unprivileged([str(home / ENTRY), *words]), cwd="/", env=environ, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    gateway.process = process
    try:
        yield process
    finally:
        gateway.kill()


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run([BIN / "hadolint", ROOT / "Dockerfile"], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (0, "")


def test_shellcheck_has_nothing_to_say() -> None:
    program = shutil.which("shellcheck")
    if program is None:
        pytest.skip("no shellcheck here")
    scripts = [ROOT / ENTRY, ROOT / "deploy" / "compose" / "secrets.sh", ROOT / "run.sh", ROOT / "gateway"]

    done = subprocess.run([program, *scripts], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_holds_no_secrets_no_data_and_no_tests() -> None:
    names = context()

    assert [name for name in names if not (ROOT / name).exists()] == []
    assert not {".env", ".git", ".venv", "data", "logs", "tests", "secrets"} & set(names)
    copied = re.findall(r"^COPY (?!--from)(.+) \./$", DOCKERFILE, re.MULTILINE)[0].split()
    assert set(copied) <= set(names)


def test_it_runs_as_a_number_that_owns_the_volume_alone() -> None:
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE) == ["10001:10001"]
    assert "-o 10001 -g 10001 -m 700 /data" in DOCKERFILE and "chown" not in DOCKERFILE


def test_the_default_command_is_a_whole_gateway_on_a_read_only_root(tmp_path: Path, image: tuple[Path, Path]) -> None:
    home, volume = image
    gateway = Gateway(tmp_path)
    posted = list(Maker(APP_SECRET, 3).mixed(20))

    with container(gateway, home, "gateway", HOST="127.0.0.1", DATABASE_URL="") as process:
        gateway.database_url = f"sqlite:///{volume}/whatsapp.db"
        gateway.wait_ready()
        acks = post_all(gateway, posted)
        Books(gateway).wait_settled()
        own = {"GATEWAY_UNDER_TEST": gateway.mark, "PORT": str(gateway.port), "HOST": "0.0.0.0"}
        of_web = _ask(home, gateway, "health", **own)
        of_worker = _ask(home, gateway, "health", "--worker", **own)
        process.terminate()
        code = process.wait(40)
        after = _ask(home, gateway, "health", **own)

    assert acks.refused == {} and len(acks.acknowledged) == len(posted)
    assert [each.stdout for each in (of_web, of_worker)] == ["ok\n", "ok\n"], (of_web, of_worker)
    assert code == 0
    assert after.returncode == 1
    assert after.stderr == f"Error: no answer on port {gateway.port} (ConnectionRefusedError)\n"
    assert {"whatsapp.db", "logs"} <= {path.name for path in volume.iterdir()}


def test_without_settings_it_makes_secrets_of_its_own_in_the_volume(image: tuple[Path, Path]) -> None:
    home, volume = image

    done = subprocess.run(
        unprivileged([str(home / ENTRY)]), env={"PATH": "/usr/bin:/bin", "DATABASE_URL": "of no kind"},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.returncode == 2 and "DATABASE_URL" in done.stderr
    assert done.stderr.startswith("Made .env with new secrets; the API key is in it.\n")
    assert "\nENCRYPTION_KEY=" in (volume / "env").read_text()
    assert (volume / "env").stat().st_mode & 0o777 == 0o600


def test_a_worker_of_its_own_and_a_web_server_of_its_own(tmp_path: Path, image: tuple[Path, Path]) -> None:
    home, volume = image
    web, worker = Gateway(tmp_path / "web"), Gateway(tmp_path / "worker")
    for each in (web, worker):
        each.directory.mkdir()
    usual = {"DATABASE_URL": "", "WORKER": ""}

    with container(web, home, "web", HOST="127.0.0.1", **usual):
        web.wait_ready()
        assert web.get("/readyz").json()["worker"]["state"] == "missing"
        with container(worker, home, "worker", **usual) as process:
            wait_for(lambda: web.get("/readyz").json()["worker"]["state"] == "running", 30)
            process.terminate()
            assert process.wait(40) == 0


@pytest.mark.parametrize("part", ["gateway", "worker"])
def test_a_volume_of_somebody_else_is_answered_with_what_to_do(
    tmp_path: Path, image: tuple[Path, Path], part: str
) -> None:
    home, volume = image
    volume.chmod(0o555)

    with container(Gateway(tmp_path), home, part) as process:
        assert process.wait(20) == 78

    text = (tmp_path / "output.txt").read_text()
    assert text.startswith("Nothing can be written in ") and "docker run -v whatsapp:/data" in text


def _ask(home: Path, gateway: Gateway, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    given = {"PATH": "/usr/bin:/bin"} | settings(gateway.directory, gateway.port, "") | env
    environ = {name: text for name, text in given.items() if text and name not in IN_THE_VOLUME}
    command = [str(home / ENTRY), *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)

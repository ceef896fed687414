"""compose.yaml without Docker: its services as plain processes, by the image's entry script, behind compose's nginx.

PostgreSQL and RabbitMQ are the test run's own database and virtual host. A burst of webhooks goes through nginx while
servers and workers are replaced one after the other. At full length, all four: `DRILL=long`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.deploy.image import make_image, make_writable, unprivileged
from tests.deploy.proxies import nginx
from tests.deploy.test_compose import SERVICES, make_secrets
from tests.drills.conftest import IS_LONG, database_of, sized
from tests.load.brokers import NoBroker, or_skip, own_virtual_host
from tests.load.gateway import Gateway, free_port
from tests.load.in_flight import wait_for

ENTRY = "deploy/docker/entrypoint.sh"
WEB, WORKERS = ("web-1", "web-2"), ("worker-1", "worker-2") if IS_LONG else ("worker-1",)
REPLACED = (*WORKERS, *WEB) if IS_LONG else ("web-1",)


class Deployment:
    """Services of compose.yaml, each a process tree of its own."""

    def __init__(self, folder: Path, database_url: str, broker_url: str) -> None:
        self.home, _ = make_image(folder / "image")
        self.secrets = make_secrets(folder / "project")
        for name, text in (("database_url", database_url), ("broker_url", broker_url)):
            (self.secrets / name).unlink()
            (self.secrets / name).write_text(text)
        self.folder = folder
        self.marked = Gateway(folder)  # finds and ends every process that carries its mark
        self.ports = {name: free_port() for name in (*WEB, *WORKERS)}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def environ(self, name: str) -> dict[str, str]:
        """What compose gives a service, with the secrets where they lie here, and a port of its own on loopback."""
        given = {"PATH": "/usr/local/bin:/usr/bin:/bin", "GATEWAY_UNDER_TEST": self.marked.mark}
        for line in (self.secrets / "meta.env").read_text().splitlines():
            if line and not line.startswith("#"):
                key, _, given[key] = line.partition("=")
        for key, text in SERVICES[name]["environment"].items():
            given[key] = text.replace("/run/secrets", str(self.secrets))
        own = {"HOST": "127.0.0.1", "PORT": str(self.ports[name]), "METRICS_PORT": str(self.ports[name] + 1)}
        return given | own | {"GRAPH_API_URL": "http://127.0.0.1:9", "WEB_CONCURRENCY": "1", "DRAIN_SECONDS": "1"}

    def start(self, name: str) -> None:
        """Start a service, as its container would."""
        with (self.folder / f"{name}.txt").open("ab") as output:
            self.running[name] = subprocess.Popen(
                unprivileged([str(self.home / ENTRY), *SERVICES[name]["command"]]), cwd="/", env=self.environ(name),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    def is_healthy(self, name: str) -> bool:
        """What the container's health check says."""
        words = ["health", "--worker"] if name in WORKERS else ["health"]
        return self.run(name, *words).returncode == 0

    def run(self, name: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """`docker compose exec NAME ./gateway …`."""
        command = [str(self.home / ENTRY), *words]
        environ = self.environ(name) | more
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=240, check=False)

    def replace(self, name: str) -> int:
        """`docker compose up --no-deps --wait NAME`: stop it, start another in its place; how the first one ended."""
        self.running[name].terminate()
        code = self.running[name].wait(60)
        self.start(name)
        wait_for(lambda: self.is_healthy(name), 90)
        return code

    def end(self) -> None:
        """End everything, whatever state it is in."""
        self.marked.kill()
        for process in self.running.values():
            process.wait(20)

    def tail(self) -> str:
        """The ends of what all services printed."""
        return "\n".join(f"{path.name}: {path.read_text()[-1500:]}" for path in self.folder.glob("*.txt"))


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    with ExitStack() as stack:
        url = stack.enter_context(database_of("postgresql"))
        try:
            broker = stack.enter_context(own_virtual_host())
        except NoBroker as error:
            or_skip(error)
            raise
        made = Deployment(tmp_path, url, broker)
        stack.callback(make_writable, made.home)
        stack.callback(made.end)
        for name in (*WEB, *WORKERS):
            made.start(name)
        yield made


def test_a_burst_loses_nothing_while_every_part_is_replaced(deployment: Deployment, tmp_path: Path) -> None:
    for name in (*WEB, *WORKERS):
        wait_for(lambda name=name: deployment.is_healthy(name), 120)  # type: ignore[misc]
    (tmp_path / "nginx").mkdir()
    with nginx(tmp_path / "nginx", [deployment.ports[name] for name in WEB]) as port:
        secret = deployment.environ("web-1")["WHATSAPP_APP_SECRET"]
        target = f"http://127.0.0.1:{port}/webhook/whatsapp"
        command = ["simulate", "burst", "--rate", "30", "--seconds", str(sized(12, 90)), "--target", target]
        burst = subprocess.Popen(
            [str(deployment.home / ENTRY), *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=deployment.environ("web-1") | {
                "TARGET_APP_SECRET": secret, "TARGET_API_KEY": (deployment.secrets / "api_key").read_text(),
            },
        )  # fmt: skip
        codes = [deployment.replace(name) for name in REPLACED]
        told, _ = burst.communicate(timeout=300)

    assert burst.returncode == 0 and "Every promise was kept." in told, told + deployment.tail()
    assert codes == [0] * len(REPLACED)
    assert f"answered    {sized(360, 2_700):,} with 200" in told, told
    assert deployment.run("web-1", "audit", "balance").returncode == 0

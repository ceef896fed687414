"""Brokers for tests: a virtual host of our own on a RabbitMQ that is there, and servers of our own to break."""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.load.gateway import free_port

RABBITMQ = os.environ.get("TEST_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
RABBITMQ_BIN = Path("/usr/lib/rabbitmq/bin")
START_SECONDS = 90.0


class NoBroker(RuntimeError):
    """There is no broker to use, or no binary to start one."""


def or_skip(error: NoBroker) -> None:
    """Skip the test, by name; in CI fail it."""
    if os.environ.get("CI"):
        raise error
    pytest.skip(str(error))


@contextmanager
def own_virtual_host() -> Iterator[str]:
    """Make a virtual host on the RabbitMQ at TEST_AMQP_URL, hand over its URL, and delete it."""
    name, user = f"gw-test-{secrets.token_hex(4)}", re.sub(r"^amqps?://([^:@/]+).*$", r"\1", RABBITMQ)
    _evaluate(
        f'rabbit_vhost:add(<<"{name}">>, <<"{user}">>), rabbit_auth_backend_internal:set_permissions('
        f'<<"{user}">>, <<"{name}">>, <<".*">>, <<".*">>, <<".*">>, <<"{user}">>).'
    )
    try:
        yield re.sub(r"/[^/]*$", f"/{name}", RABBITMQ)
    finally:
        _evaluate(f'rabbit_vhost:delete(<<"{name}">>, <<"{user}">>).')


def _evaluate(expression: str) -> None:
    """Have RabbitMQ evaluate Erlang: one command instead of three, each of which starts a virtual machine."""
    if shutil.which("rabbitmqctl") is None:
        raise NoBroker("no rabbitmqctl, which makes a virtual host on the RabbitMQ at TEST_AMQP_URL")
    done = subprocess.run(["rabbitmqctl", "-q", "eval", expression], capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise NoBroker(f"no RabbitMQ answers at TEST_AMQP_URL: {done.stderr.strip()[:200]}")


class OwnRedis:
    """A Redis of our own that keeps nothing on disk: started again, it is empty."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its database 1."""
        return f"redis://127.0.0.1:{self.port}/1"

    def start(self) -> None:
        """Start serving and wait until it does."""
        if shutil.which("redis-server") is None:
            raise NoBroker("no redis-server to start")
        self.directory.mkdir(parents=True, exist_ok=True)
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            command, cwd=self.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        _wait_for_port(self.port)

    def close(self) -> None:
        """End it."""
        self.kill()

    def kill(self) -> None:
        """`kill -9`: whatever it held is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None


class OwnRabbit:
    """A RabbitMQ of our own: node, ports, user and files apart from any other on this machine."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="gateway-rabbitmq-"))
        self.directory.chmod(0o755)  # the server is not root's, and cannot walk into a folder of pytest's
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._name = f"gw{secrets.token_hex(3)}@localhost"

    @property
    def url(self) -> str:
        """Its default virtual host."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    @property
    def _env(self) -> dict[str, str]:
        home = str(self.directory)
        return {
            "PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8", "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_NODE_PORT": str(self.port), "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self.port + 1), "RABBITMQ_MNESIA_BASE": f"{home}/mnesia",
            "RABBITMQ_LOG_BASE": f"{home}/log", "RABBITMQ_PID_FILE": f"{home}/pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/plugins", "RABBITMQ_CONF_ENV_FILE": f"{home}/none",
            "RABBITMQ_CONFIG_FILE": f"{home}/none", "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
        }  # fmt: skip

    def start(self) -> None:
        """Start serving and wait until it does."""
        if not (RABBITMQ_BIN / "rabbitmq-server").exists():
            raise NoBroker("no rabbitmq-server to start")
        user = "rabbitmq" if os.geteuid() == 0 else None
        if user:
            owner = pwd.getpwnam(user)
            for path in (self.directory, *self.directory.rglob("*")):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        with (self.directory / "output.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [str(RABBITMQ_BIN / "rabbitmq-server")], env=self._env, user=user, cwd="/", stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        _wait_for_port(self.port)

    def control(self, *arguments: str) -> str:
        """Run one command of rabbitmqctl on it."""
        user = "rabbitmq" if os.geteuid() == 0 else None
        command = [str(RABBITMQ_BIN / "rabbitmqctl"), "-q", "-n", self._name, *arguments]
        done = subprocess.run(command, env=self._env, user=user, cwd="/", capture_output=True, text=True, timeout=90)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def close(self) -> None:
        """End it, and remove its files."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def kill(self) -> None:
        """`kill -9` the server and what it started."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
            self.process = None
            _wait_until_free(self.port)


def _wait_for_port(port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise NoBroker(f"the broker on port {port} did not come up")


def _wait_until_free(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                time.sleep(0.05)
            else:
                return

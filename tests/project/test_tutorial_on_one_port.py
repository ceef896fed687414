"""The tutorial on a host that gives one port, a database's URL, 512 MB and the `web` line of the Procfile, no more.

The reader sits elsewhere: commands go to the host by `GATEWAY_URL` and `API_KEY`, or into its own shell.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from app.config.parsers import ROOT
from tests.load.gateway import MARK
from tests.load.postgres import SERVER, NoPostgres, counting_connections, own_database
from tests.project.test_tutorial import META, PAGE, Reader, follow

MEGABYTES = 512
CONNECTIONS = 18
IS_LONG = os.environ.get("DRILL") == "long"
"""Else up to the page's fifth chapter, which stops it and starts it again."""


HERE_ALONE = re.compile(r"(?:HANDLERS=\w+ )?\./gateway (?:handlers|doctor|connect|audit balance)\b")
"""Commands that need the gateway's own settings and database: a shell of the host."""


class HostWithOnePort(Reader):
    """A host that runs the Procfile's `web` line, and somebody at a desk elsewhere who follows the page."""

    def __init__(self, folder: Path, database_url: str) -> None:
        super().__init__(folder)
        shutil.copy(ROOT / "Procfile", folder / "Procfile")
        self.env |= {
            "DYNO": "web.1", "DATABASE_URL": re.sub("^postgresql:", "postgres:", database_url), "HANDLERS": "shop",
            "PATH": f"{folder / '.venv' / 'bin'}:{self.env['PATH']}", **asked_for_by_the_button(),
        }  # fmt: skip
        self.desk = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "GATEWAY_URL": f"http://127.0.0.1:{self.port}",
            "API_KEY": self.env["API_KEY"], MARK: self.mark,
        }  # fmt: skip
        self.most_megabytes = 0.0

    def start(self, command: str) -> str:
        web = re.findall(r"^web: (.+)$", (self.folder / "Procfile").read_text(), re.MULTILINE)[0]
        return super().start(web)

    def type(self, command: str) -> str:
        self.measure()
        if command.startswith("export $(grep"):
            return ""  # there is no .env: the key stands in the host's settings, and here in the environment
        if command.startswith("curl"):
            command = at_the_one_port(command)
        elif command.startswith("./gateway send") and "--queued" in command:
            return self.run(command, self.env)  # while nothing runs: in a shell of the host
        elif HERE_ALONE.match(command):
            return self.run(command, self.env | (self.from_meta() if "connect" in command else {}))
        return self.run(command, self.desk)

    def from_meta(self) -> dict[str, str]:
        own = self.env["SIMULATOR_APP_SECRET"]
        return META | {"WHATSAPP_APP_SECRET": own, "GRAPH_API_URL": f"http://127.0.0.1:{self.port + 1}"}

    def look_around(self, printed: str) -> None:
        """Open the phone and the inbox through the one port."""
        request = urllib.request.Request(
            f"{self.desk['GATEWAY_URL']}/simulator/", headers={"Authorization": f"Bearer {self.desk['API_KEY']}"}
        )
        signed_in = re.findall(r"/inbox/sign-in/\S+", printed)[0]
        for address in (request, f"{self.desk['GATEWAY_URL']}{signed_in}"):
            with urllib.request.urlopen(address, timeout=10) as answer:
                assert answer.status == 200

    def as_shown(self, expected: list[str]) -> list[str]:
        """No `.env` is made there, and it listens to everybody."""
        lines = [line for line in expected if not line.startswith("Made .env")]
        lines = [line.replace("Listening on http://127.0.0.1", "Listening on http://0.0.0.0") for line in lines]
        at = "/simulator/ at this host's own address"
        return [line + f", or {at}" if line.startswith("Write to it") else line for line in lines]

    def measure(self) -> None:
        """Remember how much memory all processes of the host took, pages that several use counted in parts."""
        if self.server is None or self.server.poll() is not None:
            return
        master = psutil.Process(self.server.pid)
        sizes = []
        for process in (master, *master.children(recursive=True)):
            try:
                sizes.append(process.memory_full_info().pss / 2**20)
            except psutil.NoSuchProcess:
                pass
        self.most_megabytes = max(self.most_megabytes, sum(sizes))


def asked_for_by_the_button() -> dict[str, str]:
    """The settings that `app.json` has such a host make or set."""
    asked = json.loads((ROOT / "app.json").read_text())["env"]
    made = {name: secrets.token_hex(32) for name, about in asked.items() if about.get("generator") == "secret"}
    return made | {name: about["value"] for name, about in asked.items() if "value" in about}


def at_the_one_port(command: str) -> str:
    """The page's call by curl, as docs/simulator.md writes it for such a host."""
    command = command.replace('"http://127.0.0.1:$((PORT + 1))/', '"$GATEWAY_URL/')
    command = command.replace('"http://127.0.0.1:$PORT/', '"$GATEWAY_URL/')
    key = '-H "Authorization: Bearer $API_KEY"'
    return command if key in command else command.replace("curl -s", f"curl -s {key}", 1)


@pytest.fixture
def database_url() -> Iterator[str]:
    """A database of our own, as a role may use it that is let in 18 times at once."""
    role, password = f"one_port_{secrets.token_hex(4)}", secrets.token_hex(16)
    try:
        with own_database() as url, psycopg.connect(SERVER, autocommit=True) as server:
            server.execute(
                f"CREATE ROLE {role} LOGIN PASSWORD '{password}' CONNECTION LIMIT {CONNECTIONS}".encode()
            )
            name = url.rpartition("/")[2]
            server.execute(f'ALTER DATABASE "{name}" OWNER TO {role}'.encode())
            try:
                yield re.sub(r"//[^@/]*@", f"//{role}:{password}@", url)
            finally:
                server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
                server.execute(f"DROP ROLE {role}".encode())
    except NoPostgres as reason:
        pytest.skip(str(reason))


@pytest.fixture
def host(tmp_path: Path, database_url: str) -> Iterator[HostWithOnePort]:
    found = HostWithOnePort(tmp_path, database_url)
    try:
        yield found
    finally:
        found.end()


def test_the_tutorial_goes_on_a_host_with_one_port(host: HostWithOnePort, database_url: str) -> None:
    with counting_connections(SERVER.rpartition("/")[0] + "/" + database_url.rpartition("/")[2]) as most:
        follow(host, PAGE if IS_LONG else PAGE.partition("\n## 5. ")[0])
        host.measure()
        connections = most()

    assert 100 < host.most_megabytes <= MEGABYTES
    assert 3 < connections <= CONNECTIONS

"""PostgreSQL for drills: a database of our own on a server that is there, or a whole server of our own to break."""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from tests.load.gateway import free_port

SERVER = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


class NoPostgres(RuntimeError):
    """There is no server to use, or no binaries to start one."""


@contextmanager
def own_database(server: str = SERVER) -> Iterator[str]:
    """Create an empty database, hand over its URL, and drop it again with whoever is still connected."""
    name = f"gateway_{secrets.token_hex(6)}"
    try:
        with psycopg.connect(server, autocommit=True, connect_timeout=3) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
    except psycopg.OperationalError as error:
        raise NoPostgres("no PostgreSQL answers at TEST_POSTGRES_URL, or it lets us make no database") from error
    try:
        yield re.sub(r"/[^/]*$", f"/{name}", server)
    finally:
        with psycopg.connect(server, autocommit=True, connect_timeout=3) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


class OwnServer:
    """A PostgreSQL server in a directory of its own, to stop and start at will."""

    def __init__(self, directory: Path, options: tuple[str, ...] = ()) -> None:
        """`options` are settings, each `name=value`, beside those that make it ours."""
        self.directory = directory  # everybody must be able to walk into it: the server is not root's
        self.options = options
        self.port = free_port()
        self.binaries = _binaries()
        self.user = "postgres" if os.geteuid() == 0 else None
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its maintenance database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        """Make the data directory; the server refuses to run as root, so root hands it over."""
        data = self.directory / "data"
        data.mkdir(parents=True)
        if self.user:
            owner = pwd.getpwnam(self.user)
            os.chown(self.directory, owner.pw_uid, owner.pw_gid)
            os.chown(data, owner.pw_uid, owner.pw_gid)
        command = [str(self.binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-N"]
        subprocess.run(command, user=self.user, cwd="/", capture_output=True, timeout=60, check=True)

    def start(self) -> None:
        """Start serving and wait until it does."""
        listen = ["-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-k", str(self.directory)]
        options = [part for option in self.options for part in ("-c", option)]
        command = [str(self.binaries / "postgres"), "-D", str(self.directory / "data"), *listen, *options]
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, user=self.user, cwd="/", stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        for _ in range(200):
            try:
                psycopg.connect(self.url, connect_timeout=1).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise NoPostgres("our own PostgreSQL server did not come up")

    def stop(self) -> None:
        """Cut every connection and go, as a crashed machine would (an immediate shutdown)."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
            self.process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop every process of it, as on a suspended machine; its kernel still takes connections and packets."""
        assert self.process is not None
        master = psutil.Process(self.process.pid)
        processes = [master, *master.children(recursive=True)]
        try:
            for process in processes:
                process.suspend()
            yield
        finally:
            for process in processes:
                with suppress(psutil.NoSuchProcess):  # one that was on its way out
                    process.resume()

    def set_read_only(self, is_read_only: bool) -> None:
        """Refuse every write of transactions that begin from now on, as a server that became a standby does."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            value = b"on" if is_read_only else b"off"
            connection.execute(b"ALTER SYSTEM SET default_transaction_read_only = " + value)
            connection.execute(b"SELECT pg_reload_conf()")


@contextmanager
def own_server(*options: str, under: Path | None = None) -> Iterator[OwnServer]:
    """A running server of our own in a folder `under` another, gone afterwards with everything it kept."""
    with tempfile.TemporaryDirectory(prefix="gateway-postgres-", dir=under) as directory:
        os.chmod(directory, 0o755)
        server = OwnServer(Path(directory) / "server", options)
        server.create()
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _binaries() -> Path:
    """Where `initdb` and `postgres` are: on the path, or where Debian hides them."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not versions:
        raise NoPostgres("PostgreSQL's server binaries are not installed")
    return versions[-1].parent

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
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from tests.load.ports import free_port

SERVER = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


class NoPostgres(RuntimeError):
    """There is no server to use, or no binaries to start one."""


@contextmanager
def own_database(server: str = SERVER, template: str = "template1") -> Iterator[str]:
    """Create a database, hand over its URL, and drop it again with whoever is still connected.

    It is empty, or else a copy of the database `template`, which nobody may be connected to.
    """
    name = f"gateway_{secrets.token_hex(6)}"
    try:
        with psycopg.connect(server, autocommit=True, connect_timeout=3) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
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

    def follow(self, primary: OwnServer) -> None:
        """Make the data directory as a copy of a running primary, of which this server is the standby once started."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if self.user:
            owner = pwd.getpwnam(self.user)
            os.chown(self.directory, owner.pw_uid, owner.pw_gid)
        source = f"host=127.0.0.1 port={primary.port} user=postgres application_name=standby"
        command = [str(self.binaries / "pg_basebackup"), "-D", str(self.directory / "data"), "-d", source, "-R", "-N"]
        subprocess.run([*command, "-c", "fast"], user=self.user, cwd="/", capture_output=True, timeout=60, check=True)

    def promote(self) -> None:
        """Make the standby a primary, and wait until it is."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")

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
        return Path(found).resolve().parent  # a link may stand beside few others
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not versions:
        raise NoPostgres("PostgreSQL's server binaries are not installed")
    return versions[-1].parent


@contextmanager
def own_standby(primary: OwnServer) -> Iterator[OwnServer]:
    """A running standby of a running primary, which from now on commits nothing that its standby has not."""
    with tempfile.TemporaryDirectory(prefix="gateway-standby-") as directory:
        os.chmod(directory, 0o755)
        standby = OwnServer(Path(directory) / "server", primary.options)
        standby.follow(primary)
        try:
            standby.start()
            with psycopg.connect(primary.url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
                connection.execute("SELECT pg_reload_conf()")
            yield standby
        finally:
            standby.stop()


@contextmanager
def counting_connections(url: str) -> Iterator[Callable[[], int]]:
    """Count the gateway's connections to a database again and again; hand over what returns the most at one moment.

    Without a URL, as on SQLite, there are none.
    """
    if not url:
        yield lambda: 0
        return
    most = [0]
    stopped = threading.Event()
    count = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'whatsapp-service%'"
    )

    def run() -> None:
        with psycopg.connect(url, autocommit=True, application_name="counts connections") as connection:
            while not stopped.wait(0.05):
                row = connection.execute(count).fetchone()
                most[0] = max(most[0], row[0] if row else 0)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield lambda: most[0]
    finally:
        stopped.set()
        thread.join(10)

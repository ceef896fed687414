"""A PgBouncer of our own, in transaction mode, before a PostgreSQL server that is there."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from tests.load.gateway import free_port

PLACES = "/usr/sbin:/usr/local/sbin"


class NoPgBouncer(RuntimeError):
    """There is no PgBouncer on this machine, or it does not start."""


@contextmanager
def pgbouncer(url: str, *, pool_size: int = 20, ignores_options: bool = False) -> Iterator[str]:
    """Stand before the server of `url`, and hand over the URL of the same database through PgBouncer.

    `pool_size` is how many connections it makes to the server. With `ignores_options` it lets clients in that ask for
    settings at the start, and forgets what they asked for, as people set it up to let a client in at all.
    """
    program = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":" + PLACES)
    if program is None:
        raise NoPgBouncer("there is no pgbouncer on this machine")
    behind = make_url(url)
    port = free_port()
    password = f" password={behind.password}" if behind.password else ""
    ignored = "extra_float_digits" + (",options" if ignores_options else "")
    with tempfile.TemporaryDirectory(prefix="gateway-pgbouncer-") as folder:
        os.chmod(folder, 0o755)
        settings = Path(folder) / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n* = host={behind.host} port={behind.port or 5432} user={behind.username}{password}\n"
            f"[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port={port}\nunix_socket_dir=\nauth_type=any\n"
            f"pool_mode=transaction\ndefault_pool_size={pool_size}\nmax_client_conn=500\n"
            f"ignore_startup_parameters={ignored}\nserver_login_retry=1\n"
        )
        user = None
        if os.geteuid() == 0:  # it refuses to be root
            user = "postgres" if _is_there("postgres") else "nobody"
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, str(settings)], user=user, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        through = behind.set(host="127.0.0.1", port=port, password=None, drivername="postgresql")
        shown = through.render_as_string(hide_password=False)
        try:
            _wait(shown, process, Path(folder) / "log")
            yield shown
        finally:
            process.terminate()
            process.wait(10)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
            return
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > until:
                raise NoPgBouncer(f"PgBouncer does not serve: {log.read_text()[-500:]}") from error
            time.sleep(0.05)


def _is_there(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True

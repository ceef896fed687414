"""No database, no 200: while it is locked, full, failing or gone the answer is 503, and nothing is lost by it.

Long form, a minute of each trouble: `DRILL=long .venv/bin/pytest tests/drills/test_database_trouble.py`. With `-s` it
says how long the slowest answer took, and until it was back; for true times take one alone: `-s -k frozen`.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest

from tests.drills.conftest import sized, some_of
from tests.load.bodies import Maker, Webhook
from tests.load.checks import assert_exactly_once
from tests.load.gateway import APP_SECRET, ONE_WEB, Gateway, running
from tests.load.postgres import NoPostgres, OwnServer, own_server, own_standby
from tests.load.senders import Acks, Senders
from tests.load.together import together

SOURCE = Path(__file__).with_name("broken_disk.c")
ANSWER_SECONDS = 10.0
"""The longest an answer may take in trouble: five seconds of waiting, and a loaded machine's delay."""

RECOVERY_SECONDS = 10.0
DRILL_SECONDS = 600.0


def _locked(directory: Path) -> None:
    """Another process holds the lock that SQLite needs for writing."""
    with running(Gateway(directory)) as gateway, _under_load(gateway) as senders:
        locker = sqlite3.connect(directory / "whatsapp.db", isolation_level=None, timeout=10)
        locker.execute("BEGIN EXCLUSIVE")
        _endure(senders, sized(7, 60))
        locker.execute("ROLLBACK")
        locker.close()

        _assert_recovered(gateway, senders)


def _broken_disk(error: int, directory: Path) -> None:
    """Every write and sync of every open file fails, for a while."""
    flag = directory / "broken"
    shim = {"LD_PRELOAD": _shim(directory), "BROKEN_DISK_FLAG": str(flag), "BROKEN_DISK_ERRNO": str(error)}
    with running(Gateway(directory, ONE_WEB | shim)) as gateway, _under_load(gateway) as senders:
        flag.touch()
        _endure(senders, sized(2, 60))
        flag.unlink()

        _assert_recovered(gateway, senders)


def _full_partition(directory: Path) -> None:
    """Database, log files and console share a partition that has no byte left, until somebody makes room."""
    with _small_partition(directory / "small", megabytes=sized(40, 400)) as partition:
        with running(Gateway(partition, ONE_WEB)) as gateway, _under_load(gateway) as senders:
            filler = partition / "filler"
            _fill(filler)
            _endure(senders, sized(3, 60))
            filler.unlink()

            _assert_recovered(gateway, senders)


@contextmanager
def _stopped(server: OwnServer) -> Iterator[None]:
    """PostgreSQL cuts every connection and comes back later."""
    server.stop()
    yield
    server.start()


@contextmanager
def _read_only(server: OwnServer) -> Iterator[None]:
    """PostgreSQL answers, and writes nothing."""
    server.set_read_only(True)
    yield
    server.set_read_only(False)


def _postgresql(
    trouble: Callable[[OwnServer], AbstractContextManager[None]], seconds: float, directory: Path, *,
    options: tuple[str, ...] = (),
) -> None:  # fmt: skip
    with _skipped_without_binaries(), own_server(*options) as server:
        with running(Gateway(directory, ONE_WEB, database_url=server.url)) as gateway, _under_load(gateway) as senders:
            with trouble(server):
                _endure(senders, seconds)

            _assert_recovered(gateway, senders)


@contextmanager
def _skipped_without_binaries() -> Iterator[None]:
    try:
        yield
    except NoPostgres as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@contextmanager
def _crowded(server: OwnServer) -> Iterator[None]:
    """Others have every connection of the server, and the gateway loses its own."""
    with ExitStack() as others:
        first = others.enter_context(psycopg.connect(server.url, autocommit=True))
        ours = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'whatsapp-%'"
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                others.enter_context(psycopg.connect(server.url, autocommit=True))
            except psycopg.OperationalError:
                if first.execute(ours).fetchone() == (0,):
                    break
        yield


def _promoted(directory: Path) -> None:
    """The primary crashes, and its standby, which nobody may write to, is made the primary after a while."""
    with _skipped_without_binaries(), own_server() as primary, own_standby(primary) as standby:
        hosts = "&".join(f"host=127.0.0.1:{server.port}" for server in (primary, standby))
        url = f"postgresql://postgres@/postgres?{hosts}&target_session_attrs=read-write"
        with running(Gateway(directory, ONE_WEB, database_url=url)) as gateway, _under_load(gateway) as senders:
            primary.stop()
            _endure(senders, sized(3, 60))
            standby.promote()
            _assert_recovered(gateway, senders)


@contextmanager
def _under_load(gateway: Gateway) -> Iterator[Senders]:
    """Meta keeps posting, and posts again what was not acknowledged; ended whatever happens."""
    senders = Senders(gateway, _webhooks(), threads=6)
    senders.start()
    senders.wait_for(60)
    try:
        yield senders
    finally:
        senders.stopped.set()


def _webhooks() -> list[Webhook]:
    return list(Maker(APP_SECRET, 701).mixed(sized(200, 2_000)))


def _endure(senders: Senders, seconds: float) -> None:
    """Let the trouble last; meanwhile the answer is 503, never 200."""
    time.sleep(0.5)  # what was under way when it began may still be answered
    before = len(senders.acks.acknowledged)
    time.sleep(seconds)
    assert len(senders.acks.acknowledged) == before, "acknowledged without a database"
    assert senders.acks.refused.get("503", 0) > 0, senders.acks.refused


def _assert_recovered(gateway: Gateway, senders: Senders) -> None:
    """It works again by itself within RECOVERY_SECONDS, and everything acknowledged is there."""
    before, over = len(senders.acks.acknowledged), time.monotonic()
    senders.wait_for(before + 20, RECOVERY_SECONDS)
    back = time.monotonic() - over
    assert len(senders.acks.acknowledged) >= before + 20, gateway.tail()
    acks: Acks = senders.wait(90)
    assert set(acks.refused) == {"503"}
    print(f"{acks.refused} refused, slowest answer {acks.slowest:.1f} s, back in {back:.1f} s", flush=True)
    assert acks.slowest < ANSWER_SECONDS
    assert len(acks.acknowledged) == len(_webhooks())
    assert_exactly_once(gateway, acks, _webhooks())


def _shim(directory: Path) -> str:
    library = directory / "broken_disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    return str(library)


def _fill(filler: Path) -> None:
    """Take every byte that is left."""
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC


@contextmanager
def _small_partition(directory: Path, megabytes: int) -> Iterator[Path]:
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(directory)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small partition")
    try:
        yield directory
    finally:
        subprocess.run(["umount", str(directory)], check=True)


TROUBLES: dict[str, Callable[[Path], None]] = {
    "locked": _locked,
    "failing disk": partial(_broken_disk, errno.EIO),
    "full disk": partial(_broken_disk, errno.ENOSPC),
    "full partition": _full_partition,
    "gone": partial(_postgresql, _stopped, sized(3, 60)),
    "frozen": partial(_postgresql, OwnServer.frozen, sized(8, 40)),
    "read-only": partial(_postgresql, _read_only, sized(3, 60)),
    "no connection left": partial(_postgresql, _crowded, sized(3, 60), options=("max_connections=30",)),
    "promoted": _promoted,
}
TROUBLES = some_of(TROUBLES, "locked", "full disk", "gone")


@pytest.fixture(scope="module")
def troubles(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[None]]]:
    """Those that were asked for, side by side: most of the time nothing can be done in any of them."""
    asked = {item.name for item in request.session.items if item.path == request.path}
    chosen = {name: case for name, case in TROUBLES.items() if any(f"[{name}]" in each for each in asked)}
    with together(chosen, tmp_path_factory.mktemp("troubles")) as running_drills:
        yield running_drills


@pytest.mark.parametrize("trouble", TROUBLES)
def test_it_costs_503s_and_nothing_more(troubles: dict[str, Future[None]], trouble: str) -> None:
    troubles[trouble].result(DRILL_SECONDS)

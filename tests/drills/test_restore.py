"""A copy of the database, made while messages wait, is put back after they went: Meta gets none a second time.

Run by `DRILL=long .venv/bin/pytest tests/drills/test_restore.py`. In short: tests/services/sending/test_restored.py.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from app.domain import tags
from simulator.testing import MetaStandIn
from simulator.webhooks.receipts import report
from tests.drills.conftest import IS_LONG, KINDS, database_of
from tests.drills.test_sends import TOKEN, meta_of
from tests.load.gateway import API_KEY, Gateway, running

COUNT = 120
SECONDS = 120.0
NEVER_SECONDS = 36_000.0
"""When customers read by themselves: after the drill."""


@pytest.mark.skipif(not IS_LONG, reason="run by DRILL=long")
@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_put_back_sends_nothing_twice(kind: str, tmp_path: Path) -> None:
    with database_of(kind) as url, database_of(kind, is_new=True) as other:
        gateway = Gateway(tmp_path, database_url=url)
        with meta_of(gateway, read_after=NEVER_SECONDS) as meta:
            gateway.extra = {
                "WORKER": "external", "GRAPH_API_URL": meta.url, "WHATSAPP_ACCESS_TOKEN": TOKEN,
                "MESSAGES_PER_SECOND": "20",
            }  # fmt: skip
            with running(gateway, ready=False):
                gateway.wait_ready(SECONDS)
                gateway.start_worker()
                batch = _queue(gateway)
                _until(lambda: len(meta.accepted) > 10)
                copy = _copy(gateway, other)
                # A stop gives back what was claimed and not yet sent: in the copy that would wait, and rightly be held.
                _until(lambda: not _under_way(gateway, batch))
                assert len(meta.accepted) == COUNT
                gateway.stop()
            waited = _put_back(gateway, copy)
            with running(gateway, ready=False):
                gateway.wait_ready(SECONDS)
                gateway.start_worker()
                _until(lambda: not _under_way(gateway, batch))
                later = _queue(gateway, first=COUNT, count=1)
                _until(lambda: not _under_way(gateway, later))
                alerts = {each["kind"] for each in _until(lambda: gateway.get("/api/alerts?state=open").json()["data"])}
                listed = gateway.flask("sends", "list").stdout
                _read_all(meta)
                _until(lambda: _counts(gateway, batch)["held"] == 0)
                gateway.stop()
            _check(meta)
            assert waited > 20 and "database_restored" in alerts and "restored" in listed
            print(f"{kind}: {waited} of {COUNT} waited in the copy, none went twice\n{listed}")


def _check(meta: MetaStandIn) -> None:
    times = Counter(tag[0] for each in meta.accepted if (tag := tags.read(each.biz_opaque_callback_data)))
    assert len(times) == COUNT + 1 and set(times.values()) == {1}


def _read_all(meta: MetaStandIn) -> None:
    """Let every customer read what they got, of which Meta reports."""
    for number in range(COUNT):
        chat = meta.chat(f"34600{number:06}")
        for message in [each for each in chat.messages if each.from_business]:
            report(meta.simulator, chat, message, "read")


def _queue(gateway: Gateway, first: int = 0, count: int = COUNT) -> str:
    messages = [{"to": f"+34600{number:06}", "message": "x"} for number in range(first, first + count)]
    headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
    answer = gateway.request("POST", "/api/messages/bulk", json.dumps({"messages": messages}).encode(), headers).json()
    return str(answer["batch"])


def _counts(gateway: Gateway, batch: str) -> Counter[str]:
    return Counter(gateway.get(f"/api/batches/{batch}").json()["counts"])


def _under_way(gateway: Gateway, batch: str) -> int:
    counts = _counts(gateway, batch)
    return counts["queued"] + counts["sending"]


def _copy(gateway: Gateway, other: str) -> str:
    """Make a backup while the gateway runs, as docs/operating.md says; return where it is."""
    if other:
        with subprocess.Popen(["pg_dump", gateway.database_url], stdout=subprocess.PIPE) as dump:
            subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", other], stdin=dump.stdout, check=True,
                           stdout=subprocess.DEVNULL)  # fmt: skip
        return other
    place = str(gateway.directory / "copy.db")
    with closing(sqlite3.connect(gateway.directory / "whatsapp.db")) as connection:
        connection.execute(f"VACUUM INTO '{place}'")
    return place


def _put_back(gateway: Gateway, copy: str) -> int:
    """Put the copy in the place of what was used; return how many messages wait in it."""
    if make_url(gateway.database_url).drivername.startswith("postgres"):
        gateway.database_url = copy
        done = subprocess.run(
            ["psql", "-At", copy, "-c", "SELECT count(*) FROM queued_sends"], capture_output=True, check=True
        )
        return int(done.stdout)
    for name in ("whatsapp.db-wal", "whatsapp.db-shm"):
        with suppress(FileNotFoundError):
            os.remove(gateway.directory / name)
    shutil.copyfile(copy, gateway.directory / "whatsapp.db")
    with closing(sqlite3.connect(copy)) as connection:
        return int(connection.execute("SELECT count(*) FROM queued_sends").fetchone()[0])


def _until(find: Callable[[], Any]) -> Any:
    until = time.monotonic() + SECONDS
    while not (found := find()):
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.1)
    return found

"""Upgrades without a stop: the release before this one and this one work side by side on one PostgreSQL database.

This one has migrated it. Each takes webhooks in, each has a worker, and each sends; nothing is lost or done twice.
The release before is the newest tag, or, while there is none, the commit before the newest migration.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.drills.conftest import IS_LONG, database_of, sized
from tests.drills.test_sends import TOKEN, _wait_settled, meta_of
from tests.load.bodies import Maker
from tests.load.books import Books
from tests.load.gateway import API_KEY, APP_SECRET, ROOT, Gateway, running
from tests.load.senders import Senders

pytestmark = pytest.mark.skipif(not IS_LONG, reason="takes a minute: DRILL=long")
VERSIONS = "app/migrations/versions"
SECONDS = 120.0


def test_the_release_before_and_this_one_share_the_work(tmp_path: Path) -> None:
    before = _release_before(tmp_path / "before")
    count = sized(60, 2_000)
    webhooks = list(Maker(APP_SECRET, 99).mixed(count))
    with database_of("postgresql", is_new=True) as url:
        new = Gateway(tmp_path / "new", database_url=url)
        with meta_of(new) as meta:
            extra = {
                "GRAPH_API_URL": meta.url, "WHATSAPP_ACCESS_TOKEN": TOKEN, "WORKER": "external", "WEB_CONCURRENCY": "1",
            }  # fmt: skip
            new.extra = extra
            old = Gateway(tmp_path / "old", extra, database_url=url, root=before)
            with running(new), running(old):
                for gateway in (new, old):
                    gateway.start_worker()
                posting = [
                    Senders(gateway, webhooks[start::2], threads=2) for start, gateway in enumerate((new, old))
                ]
                for each in posting:
                    each.start()
                batches = [_queue(gateway, count // 2, at) for at, gateway in enumerate((new, old))]
                acks = [each.wait(SECONDS) for each in posting]
                states = _wait_settled(new, batches)
                books = Books(new)
                books.wait_settled(SECONDS)

                assert sum(len(each.acknowledged) for each in acks) == len(webhooks), old.tail()
                assert set(books.messages()) == set().union(*(each.messages for each in acks))
                assert set(books.messages().values()) == {1}
                assert "held" not in states and sum(states.values()) == count // 2 * 2
                assert meta.sent_twice() == []
                assert books.count("workers") == 2
                books.assert_balanced()


def _queue(gateway: Gateway, count: int, series: int) -> str:
    messages = [{"to": f"+3460{series}{number:06}", "message": f"message {number}"} for number in range(count)]
    headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
    body = json.dumps({"messages": messages}).encode()
    answer = gateway.request("POST", "/api/messages/bulk", body, headers, timeout=60).json()
    assert all(each["success"] for each in answer["data"]), answer
    return str(answer["batch"])


def _release_before(folder: Path) -> Path:
    """The project as it was; skipped where its history is not at hand."""
    commit = _git("describe", "--tags", "--abbrev=0", "HEAD^")
    if not commit:
        added = _git("log", "-1", "--diff-filter=A", "--format=%H", "--", VERSIONS)
        commit = added and _git("rev-parse", "--verify", "--quiet", f"{added}^")
    if not commit:
        if os.environ.get("CI"):
            raise AssertionError("the history of the project is not at hand: fetch all of it")
        pytest.skip("the history of the project is not at hand")
    archive = subprocess.run(
        ["git", "archive", "--format=tar", commit, "app", "wsgi.py", "gunicorn.conf.py"], cwd=ROOT, capture_output=True,
        check=True,
    ).stdout  # fmt: skip
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    assert {each.name for each in (ROOT / VERSIONS).glob("0*.py")} != {
        each.name for each in (folder / VERSIONS).glob("0*.py")
    }
    return folder


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""

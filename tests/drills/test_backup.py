"""A backup under load; then everything is thrown away, and restored: nothing acknowledged before is missing, and
nothing is sent twice.

In short, on SQLite alone: `pytest tests/drills/test_backup.py`. Both databases under full load: with `DRILL=long`.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.domain import tags
from simulator.testing import MetaStandIn
from simulator.webhooks.receipts import report
from tests.drills.conftest import IS_LONG, KINDS, database_of
from tests.drills.test_sends import TOKEN, meta_of
from tests.load.bodies import Maker, Webhook
from tests.load.books import Books
from tests.load.gateway import API_KEY, APP_SECRET, Gateway, running

WEBHOOKS_A_SECOND, SENDS_A_SECOND = (100, 20) if IS_LONG else (20, 1)
BEFORE_SECONDS, AFTER_SECONDS, QUEUED_SECONDS = (8.0, 3.0, 60) if IS_LONG else (0.7, 0.2, 120)
SENDS_AFTERWARDS = SENDS_A_SECOND if IS_LONG else 500
SECONDS = 300.0
NEVER_SECONDS = 36_000.0
"""When customers read by themselves: after the drill."""


class Meta:
    """Posts webhooks at a steady rate until `stop`; counts those that were answered 200."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway, self._stopped = gateway, threading.Event()
        self._maker = Maker(APP_SECRET, 11)
        self.acknowledged: list[Webhook] = []
        self.refused = 0
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(4)]
        self._mutex = threading.Lock()

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        due = time.monotonic() + number / WEBHOOKS_A_SECOND
        while not self._stopped.wait(max(0.0, due - time.monotonic())):
            due += len(self._threads) / WEBHOOKS_A_SECOND
            with self._mutex:
                webhook = self._maker.one_text()
            answer = self._gateway.request("POST", "/webhook/whatsapp", webhook.body, webhook.headers)
            with self._mutex:
                if answer.status == 200:
                    self.acknowledged.append(webhook)
                else:
                    self.refused += 1


@pytest.mark.parametrize("kind", KINDS if IS_LONG else ["sqlite"])
def test_everything_is_thrown_away_and_comes_back(kind: str, tmp_path: Path) -> None:
    with database_of(kind) as url, database_of(kind, is_new=True) as other:
        gateway = Gateway(tmp_path / "gateway", database_url=url)
        with meta_of(gateway, read_after=NEVER_SECONDS) as meta:
            gateway.extra = {
                "GRAPH_API_URL": meta.url, "WHATSAPP_ACCESS_TOKEN": TOKEN, "WEB_CONCURRENCY": "1",
                "MESSAGES_PER_SECOND": str(SENDS_A_SECOND),
            }  # fmt: skip
            with running(gateway, ready=False):
                gateway.wait_ready(SECONDS)
                count = SENDS_A_SECOND * QUEUED_SECONDS
                batches = _queue(gateway, count)
                posting = Meta(gateway)
                posting.start()
                time.sleep(BEFORE_SECONDS)
                _until(lambda: meta.accepted)
                before, sent_before = set(posting.acknowledged), len(meta.accepted)
                began = time.monotonic()
                made = gateway.flask("backup", str(tmp_path / "copy"), seconds=SECONDS)
                took = time.monotonic() - began
                time.sleep(AFTER_SECONDS)
                _until(lambda: len(meta.accepted) > sent_before)
                posting.stop()
                gateway.kill()
            assert made.returncode == 0, made.stderr
            assert posting.refused == 0 and before and len(meta.accepted) < count
            _throw_away(gateway, other)
            gateway.extra["MESSAGES_PER_SECOND"] = str(SENDS_AFTERWARDS)
            restored = gateway.flask("restore", str(tmp_path / "copy"), seconds=SECONDS)
            assert restored.returncode == 0, restored.stderr

            with running(gateway, ready=False):
                gateway.wait_ready(SECONDS)
                _until(lambda: Books(gateway).rows("SELECT count(*) FROM jobs WHERE kind = 'process'") == [(0,)])
                kept = Books(gateway).messages()
                assert {wamid for webhook in before for wamid in webhook.messages} - set(kept) == set()
                held = _counts(gateway, batches)["held"]
                _read_all(meta, count)
                _until(lambda: _counts(gateway, batches)["held"] == count - len(meta.accepted))
                gateway.flask("sends", "release", "--reason", "restored")
                _until(lambda: len(meta.accepted) == count)
                _until(lambda: set(_counts(gateway, batches)) <= {"accepted", "sent", "delivered", "read"})
                times = Counter(tag[0] for each in meta.accepted if (tag := tags.read(each.biz_opaque_callback_data)))
                assert len(times) == count and set(times.values()) == {1}
                Books(gateway).wait_settled()
                Books(gateway).assert_balanced()
                gateway.stop()
            print(
                f"{kind}: {len(posting.acknowledged)} webhooks, {len(before)} before the backup, which took {took:.1f}"
                f" s; all of these there; {held} of {count} sends held, none sent twice"
            )


def _throw_away(gateway: Gateway, other: str) -> None:
    """Nothing is left: neither the database nor the logs, the files, and what was noted beside them."""
    shutil.rmtree(gateway.directory)
    gateway.directory.mkdir()
    if other:
        gateway.database_url = other


def _queue(gateway: Gateway, count: int) -> list[str]:
    headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
    batches = []
    for start in range(0, count, 400):
        last = min(start + 400, count)
        messages = [{"to": f"+34700{number:06}", "message": "x"} for number in range(start, last)]
        body = json.dumps({"messages": messages}).encode()
        batches.append(gateway.request("POST", "/api/messages/bulk", body, headers, timeout=60).json()["batch"])
    return batches


def _read_all(meta: MetaStandIn, count: int) -> None:
    """Let every customer read what they got, of which Meta reports."""
    for number in range(count):
        chat = meta.chat(f"34700{number:06}")
        for message in [each for each in chat.messages if each.from_business]:
            report(meta.simulator, chat, message, "read")


def _counts(gateway: Gateway, batches: list[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for batch in batches:
        counts.update(gateway.get(f"/api/batches/{batch}").json()["counts"])
    return counts


def _until(find: Callable[[], Any]) -> Any:
    until = time.monotonic() + SECONDS
    while not (found := find()):
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.1)
    return found

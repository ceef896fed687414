"""Two instances behind the shipped nginx, on one PostgreSQL, restarted in turn under load: nobody notices.

`DRILL=long .venv/bin/pytest tests/drills/test_rolling_restarts.py`: ten times one after the other, each with its
worker, at 200 webhooks a second, with sends that an app asks for meanwhile.
"""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import pytest
import requests

from benchmarks.load import Result, Run
from tests.deploy.proxies import nginx
from tests.drills.conftest import IS_LONG, database_of
from tests.load.bodies import Maker, Webhook
from tests.load.books import Books
from tests.load.connection import raw_request
from tests.load.gateway import API_KEY, APP_SECRET, ONE_WEB, Gateway, running
from tests.load.in_flight import wait_for
from tests.load.senders import PATH
from tests.subscriber import as_meta, subscriber

ROUNDS, RATE, PIECE_SECONDS, SENDS_RATE = 10, 200, 10.0, 5

pytestmark = pytest.mark.skipif(not IS_LONG, reason="takes five minutes: DRILL=long")


def test_ten_rolling_restarts_fail_nothing_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    calls: Counter[str] = Counter()

    with database_of("postgresql") as url, subscriber(as_meta(calls)) as meta:
        extra = ONE_WEB | {"GRAPH_API_URL": meta.url.removesuffix("/events"), "DRAIN_SECONDS": "1"}
        first, second = (Gateway(tmp_path / name, extra, database_url=url) for name in ("first", "second"))
        (tmp_path / "nginx").mkdir()
        with running(first), running(second), nginx(tmp_path / "nginx", [first.port, second.port]) as port:
            posted: list[Webhook] = []
            sends = _Sends(f"http://127.0.0.1:{port}/send/whatsapp")
            restarting = threading.Thread(target=_restart, args=(first, second))
            _load(port, posted, PIECE_SECONDS, seed=1)  # before any restart
            posted.clear()
            restarting.start()
            sends.start()
            results = []
            while restarting.is_alive():
                results.append(_load(port, posted, PIECE_SECONDS, seed=2 + len(results)))
            sends.stop()
            p99 = max(result.p99 for result in results)
            print(f"{len(posted):,} webhooks, {sends.made} sends; the worst ten seconds: p99 {p99:.0f} ms")
            assert [result for result in results if not result.is_clean] == [], first.tail() + second.tail()
            assert sends.failed == Counter()

            books = Books(first)
            wait_for(lambda: books.count("messages", "status IN ('queued', 'sending')") == 0, 60)
            assert sum(calls.values()) == len(calls) == sends.made
            _assert_kept(first, books, posted)


def _assert_kept(gateway: Gateway, books: Books, posted: list[Webhook]) -> None:
    books.wait_settled()
    earlier = {wamid for webhook in Maker(APP_SECRET, 1).mixed(int(RATE * PIECE_SECONDS)) for wamid in webhook.messages}
    kept = books.messages()
    assert set(kept) - earlier == {wamid for webhook in posted for wamid in webhook.messages}
    assert set(kept.values()) == {1}
    books.assert_balanced()


def _restart(*gateways: Gateway) -> None:
    for _ in range(ROUNDS):
        for gateway in gateways:
            gateway.stop()
            gateway.start()


def _load(port: int, posted: list[Webhook], seconds: float, seed: int) -> Result:
    webhooks = list(Maker(APP_SECRET, seed).mixed(int(RATE * seconds)))
    posted += webhooks
    url = f"http://127.0.0.1:{port}{PATH}"
    return Run(url, [raw_request(url, each) for each in webhooks], 32).open(RATE, seconds)


class _Sends(threading.Thread):
    """An app that queues sends."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._stopping = threading.Event()
        self.made = 0
        self.failed: Counter[int] = Counter()

    def run(self) -> None:
        while not self._stopping.wait(1 / SENDS_RATE):
            answer = requests.post(
                self._url, json={"to": f"+34{650_000_000 + self.made}", "message": "Hola", "mode": "queued"},
                headers={"Authorization": f"Bearer {API_KEY}"}, timeout=30,
            )  # fmt: skip
            self.made += 1
            if answer.status_code >= 300:
                self.failed[answer.status_code] += 1

    def stop(self) -> None:
        self._stopping.set()
        self.join()

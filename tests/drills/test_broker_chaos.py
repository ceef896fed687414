"""Whatever happens to a broker and to workers, every job is done and nothing is done twice.

`DRILL=long .venv/bin/pytest tests/drills/test_broker_chaos.py`: 20,000 webhooks and 4,000 sends while workers are
killed three times, queues purged, the broker killed and restarted, blocked by a lack of memory, and gone for a minute;
the same on a Redis that comes back empty. Both brokers, Graph and the app are ours.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from app.security.standard_webhooks import new_secret
from benchmarks.load import Result, open_loop
from tests.drills.conftest import IS_LONG, database_of
from tests.load.bodies import Maker
from tests.load.books import Books
from tests.load.brokers import NoBroker, OwnRabbit, OwnRedis, or_skip
from tests.load.gateway import API_KEY, APP_SECRET, Gateway, running
from tests.load.senders import PATH
from tests.subscriber import ALLOWED, App, as_meta, subscriber

WEBHOOKS, SENDS, RATE = 20_000, 4_000, 120
CALM_WEBHOOKS, CALM_SENDS = 3_600, 2_000
"""The same load before, without chaos: what ingest is compared with."""

SETTLE_SECONDS = 300.0

pytestmark = pytest.mark.skipif(not IS_LONG, reason="takes ten minutes: DRILL=long")


def test_on_rabbitmq(tmp_path: Path) -> None:
    broker = OwnRabbit()

    def chaos(worker: Worker) -> None:
        for _ in range(3):
            time.sleep(10)
            worker.kill_and_start()
        for queue in ("process", "send", "deliver", "media", "keep"):
            broker.control("purge_queue", queue)
        time.sleep(5)
        broker.kill()
        time.sleep(3)
        broker.start()
        time.sleep(15)
        broker.control("set_vm_memory_high_watermark", "0.00001")
        time.sleep(20)
        broker.control("set_vm_memory_high_watermark", "0.4")
        time.sleep(10)
        broker.kill()
        time.sleep(60)
        broker.start()

    _drill(tmp_path, broker, chaos)


def test_on_redis(tmp_path: Path) -> None:
    broker = OwnRedis(tmp_path / "redis")

    def chaos(worker: Worker) -> None:
        for _ in range(3):
            time.sleep(10)
            worker.kill_and_start()
        for pause in (0, 3, 60):
            broker.kill()
            time.sleep(pause)
            broker.start()  # empty
            time.sleep(15)

    _drill(tmp_path, broker, chaos)


def test_without_a_broker(tmp_path: Path) -> None:
    def chaos(worker: Worker) -> None:
        for _ in range(3):
            time.sleep(10)
            worker.kill_and_start()

    _drill(tmp_path, None, chaos)


class Worker:
    """Two workers, of which one is killed now and then."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._running = [gateway.start_worker() for _ in range(2)]

    def kill_and_start(self) -> None:
        """`kill -9` the older one, with the process that makes its calls left to see that itself, and start another."""
        oldest = self._running.pop(0)
        oldest.kill()
        oldest.wait(10)
        self._running.append(self._gateway.start_worker())


def _drill(directory: Path, broker: OwnRabbit | OwnRedis | None, chaos: Callable[[Worker], None]) -> None:
    calls: Counter[str] = Counter()
    try:
        if broker is not None:
            broker.start()
        with database_of("postgresql") as url, subscriber() as app, subscriber(as_meta(calls)) as meta:
            settings = {
                "WORKER": "external", "BROKER_URL": broker.url if broker else "", "FORWARD_URL": app.url,
                "FORWARD_SECRET": new_secret(), "FORWARD_ALLOW_NETS": ALLOWED, "MESSAGES_PER_SECOND": "60",
                "GRAPH_API_URL": meta.url.removesuffix("/events"),
            }  # fmt: skip
            with running(Gateway(directory / "gateway", settings, database_url=url)) as gateway:
                worker, books = Worker(gateway), Books(gateway)
                wait_for(lambda: books.count("endpoints") == 1 and books.count("workers") == 2, 60)
                calm = _load(gateway, CALM_WEBHOOKS, range(SENDS, SENDS + CALM_SENDS))
                hurting = threading.Thread(target=chaos, args=(worker,))
                hurting.start()
                result = _load(gateway, WEBHOOKS, range(SENDS))
                hurting.join()
                print(
                    f"{type(broker).__name__}: ingest p50 {result.p50:.1f} ms, p99 {result.p99:.1f} ms;"
                    f" without chaos {calm.p50:.1f} and {calm.p99:.1f} ms: p99 ÷ that {result.p99 / calm.p99:.2f}"
                )
                assert calm.is_clean and result.is_clean
                _check(books, calls, app)
    except NoBroker as error:
        or_skip(error)
    finally:
        if broker is not None:
            broker.close()


def _check(books: Books, calls: Counter[str], app: App) -> None:
    books.wait_settled(SETTLE_SECONDS)
    wait_for(lambda: books.count("deliveries", "state = 'pending'") == 0, SETTLE_SECONDS)
    wait_for(lambda: books.count("messages", "status IN ('queued', 'sending')") == 0, SETTLE_SECONDS)
    assert books.count("notifications", "state = 'processed'") == WEBHOOKS + CALM_WEBHOOKS
    assert set(books.messages().values()) == {1}
    delivered = app.ids
    # An app may be told twice, with the same id, when the worker died between its answer and the commit.
    assert set(delivered) >= {row[0] for row in books.rows("SELECT id FROM events WHERE type = 'message.received'")}
    print(f"told twice: {len(delivered) - len(set(delivered))}")
    assert max(calls.values()) == 1, "a message was sent twice"
    sent = dict(books.rows("SELECT status, count(*) FROM messages WHERE direction = 'outbound' GROUP BY status"))
    print(f"sends: {sent}, calls: {len(calls)}")
    assert sum(sent.values()) == SENDS + CALM_SENDS
    assert sent.keys() <= {"accepted", "unknown", "held"}
    books.assert_balanced()


def _load(gateway: Gateway, webhooks: int, sends: range) -> Result:
    """Queue sends, to others than those who write, and post webhooks at their times."""
    for first in range(sends.start, sends.stop, 1000):
        messages = [{"to": f"+34{650_000_000 + each}", "message": "Hola"} for each in range(first, first + 1000)]
        answer = requests.post(
            f"{gateway.url}/api/messages/bulk", json={"messages": messages, "priority": "bulk"},
            headers={"Authorization": f"Bearer {API_KEY}"}, timeout=60,
        )  # fmt: skip
        assert all(each["success"] for each in answer.json()["data"]), answer.text[:500]
    bodies = Maker(APP_SECRET, 2020 + sends.start, contacts=500).mixed(webhooks)
    return open_loop(gateway.url + PATH, bodies, rate=RATE, connections=32, seconds=webhooks / RATE)


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    """Return once it is true; fail after `seconds`."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.1)

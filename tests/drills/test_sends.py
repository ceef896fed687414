"""Nothing is sent twice and nothing is lost, with a bad line to Meta and a worker that is killed again and again.

So is the process that makes its calls.

Long form, 3,000 sends and a dozen kills on each database: `DRILL=long .venv/bin/pytest tests/drills/test_sends.py`.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.domain import tags
from simulator.server import SimulatorServer
from simulator.settings import BusinessNumber, MetaApp, Pace, SimulatorSettings
from simulator.testing import MetaStandIn
from tests.drills.conftest import database_of, kinds, sized
from tests.load.books import Books
from tests.load.gateway import API_KEY, APP_SECRET, ONE_WEB, Gateway, running
from tests.load.together import together

SEED = 4713
TOKEN = "EAAdrill0123456789abcdef"
NUMBER = "700100200300400"
FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("reset", {"share": 0.02}),
    ("throttle", {"share": 0.03}),
    ("timeout", {"share": 0.03, "seconds": 4.0}),
    ("cut", {"share": 0.02}),
)
SETTLED = ("accepted", "sent", "delivered", "read", "held")
DRILL_SECONDS = 900.0
DATABASES = kinds("sqlite")


@pytest.fixture(scope="module")
def drills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[None]]]:
    cases = {kind: partial(_drill, kind) for kind in DATABASES}
    with together(cases, tmp_path_factory.mktemp("sends")) as running_drills:
        yield running_drills


@pytest.mark.parametrize("kind", DATABASES)
def test_every_send_goes_once_or_is_known_not_to_have_gone(drills: dict[str, Future[None]], kind: str) -> None:
    drills[kind].result(DRILL_SECONDS)


def _drill(kind: str, directory: Path) -> None:
    count, kills = sized(120, 3_000), sized(2, 12)
    chance = random.Random(SEED)
    with database_of(kind) as url:
        gateway = Gateway(directory, database_url=url)
        with meta_of(gateway) as meta:
            gateway.extra = {
                "WORKER": "external", "GRAPH_API_URL": meta.url, "GRAPH_TIMEOUT_SECONDS": "2",
                "UNKNOWN_SEND_SECONDS": "15", "WHATSAPP_ACCESS_TOKEN": TOKEN, **ONE_WEB,
            }  # fmt: skip
            for fault, settings in FAULTS:
                meta.add_fault(fault, **settings)
            with running(gateway):
                batches = _queue(gateway, count)
                for round_ in range(kills):
                    worker = gateway.start_worker()
                    time.sleep(1 + 3 * chance.random())
                    if round_ % 2:  # first the process that makes its calls, and it goes on with another
                        for caller in psutil.Process(worker.pid).children():
                            caller.kill()
                        time.sleep(1 + 2 * chance.random())
                    worker.kill()
                    worker.wait(5)
                gateway.start_worker()
                states = _wait_settled(gateway, batches)

                assert sum(states.values()) == count
                assert meta.sent_twice() == []
                sent = {tag[0] for message in meta.accepted if (tag := tags.read(message.biz_opaque_callback_data))}
                times = Counter(
                    tag[0] for message in meta.accepted if (tag := tags.read(message.biz_opaque_callback_data))
                )
                assert [key for key, number in times.items() if number > 1] == []
                held = _ids(gateway, "held")
                assert held & sent == set(), "a message that Meta had was held"
                assert len(sent) + len(held) == count
                print(f"{kind}: {count} sends, {kills} kills: {len(sent)} sent once, {len(held)} held, states {states}")
                Books(gateway).wait_settled()
                Books(gateway).assert_balanced()


class meta_of:
    """A simulator whose webhooks go to the gateway."""

    def __init__(self, gateway: Gateway, read_after: float = 1.0) -> None:
        app = MetaApp(
            app_secret=APP_SECRET, access_token=TOKEN, webhook_url=f"http://127.0.0.1:{gateway.port}/webhook/whatsapp"
        )
        pace = Pace(sent_after=0.2, delivered_after=0.5, read_after=read_after, first_retry_after=0.2)
        number = BusinessNumber(NUMBER)
        settings = SimulatorSettings(
            port=0, seed=SEED, apps=(app,), numbers=(number,), pace=pace, enforce_window=False
        )
        self._server = SimulatorServer(settings)

    def __enter__(self) -> MetaStandIn:
        self._server.start()
        return MetaStandIn(self._server)

    def __exit__(self, *_: object) -> None:
        self._server.stop()


def _queue(gateway: Gateway, count: int) -> list[str]:
    found = []
    for start in range(0, count, 500):
        messages = [
            {"to": f"+34600{number:06}", "message": f"message {number}"}
            for number in range(start, min(start + 500, count))
        ]
        body = json.dumps({"messages": messages}).encode()
        headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
        answer = gateway.request("POST", "/api/messages/bulk", body, headers, timeout=60).json()
        assert all(each["success"] for each in answer["data"])
        found.append(answer["batch"])
    return found


def _wait_settled(gateway: Gateway, batches: list[str]) -> Counter[str]:
    until = time.monotonic() + DRILL_SECONDS / 2
    while True:
        states: Counter[str] = Counter()
        for batch in batches:
            states.update(gateway.get(f"/api/batches/{batch}").json()["counts"])
        if set(states) <= set(SETTLED):
            return states
        assert time.monotonic() < until, f"not settled: {states}"
        time.sleep(0.5)


def _ids(gateway: Gateway, status: str) -> set[str]:
    found: set[str] = set()
    cursor = ""
    while True:
        page = gateway.get(f"/api/messages?status={status}&limit=500&cursor={cursor}").json()
        found |= {row["id"] for row in page["data"]}
        cursor = page["next_cursor"]
        if not cursor:
            return found

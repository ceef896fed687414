"""An app answers `failed` statuses with 400, as some do, while customers write: nobody is answered later for it.

What an app says of one event is not what it says of itself: such an answer opens no breaker, and holds no message.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from app.security.standard_webhooks import new_secret
from simulator.testing import MetaStandIn
from tests.drills.conftest import IS_LONG, KINDS, database_of, sized
from tests.drills.test_sends import TOKEN, meta_of
from tests.load.books import Books
from tests.load.gateway import API_KEY, ONE_WEB, Gateway, running
from tests.load.together import together
from tests.subscriber import ALLOWED, Handler, Posted, subscriber

THINKS_SECONDS = 1.5
"""What the app alone needs for an answer."""

FAILURES, EVERY_SECONDS = sized(12, 30), 0.5
"""More in a row than open a breaker, if they counted for one."""

WRITERS = tuple(f"54911600000{number}" for number in range(4))
UNDELIVERABLE = tuple(f"5491170000{number:02}" for number in range(FAILURES))
DRILL_SECONDS = 300.0

TIMES_AS_LONG = 1.2 if IS_LONG else 5.0
"""The long form runs alone, so that its seconds mean something. Beside other tests a customer must at least never wait
for an open breaker or for the retries of a failed status, which take a minute and more."""
pytestmark = pytest.mark.skipif(not IS_LONG, reason="waits for a minute: DRILL=long")


@pytest.fixture(scope="module")
def drills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[None]]]:
    with together({kind: partial(_drill, kind) for kind in KINDS}, tmp_path_factory.mktemp("failed")) as running_:
        yield running_


@pytest.mark.parametrize("kind", KINDS)
def test_customers_are_answered_as_soon_as_without_any_failure(drills: dict[str, Future[None]], kind: str) -> None:
    drills[kind].result(DRILL_SECONDS)


def _reply(handler: Handler, posted: Posted) -> None:
    event = json.loads(posted.body)
    if event["type"] == "message.status" and event["data"]["status"]["status"] == "failed":
        handler.answer(400)
    elif event["type"] == "message.received":
        time.sleep(THINKS_SECONDS)
        handler.answer(200, json.dumps({"reply": f"to {event['data']['message']}"}).encode())
    else:
        handler.answer(200)


def _drill(kind: str, directory: Path) -> None:
    with database_of(kind) as url, subscriber(_reply) as app:
        gateway = Gateway(directory, database_url=url)
        with meta_of(gateway) as meta:
            gateway.extra = {
                "GRAPH_API_URL": meta.url, "WHATSAPP_ACCESS_TOKEN": TOKEN, "FORWARD_URL": app.url,
                "FORWARD_SECRET": new_secret(), "FORWARD_REPLIES": "true", "FORWARD_ALLOW_NETS": ALLOWED, **ONE_WEB,
            }  # fmt: skip
            with running(gateway):
                books = Books(gateway)
                _wait(lambda: books.count("endpoints") == 1)
                alone = _conversations(meta, lambda number: number < 2)
                with ThreadPoolExecutor(1) as pool:
                    campaign = pool.submit(_campaign, gateway, meta)
                    beside = _conversations(meta, lambda number: not campaign.done())
                    campaign.result()
                refused = "is_status AND attempts > 0 AND state = 'pending'"
                _wait(lambda: books.count("deliveries", refused) >= FAILURES)
                print(
                    f"{kind}: the app alone {THINKS_SECONDS} s, through the gateway at most {max(alone):.2f} s,"
                    f" beside {books.count('deliveries', refused)} failures at most {max(beside):.2f} s"
                    f" ({len(beside)} answers)"
                )
                assert max(beside) <= TIMES_AS_LONG * max(THINKS_SECONDS, *alone)
                assert books.count("endpoints", "open_until IS NOT NULL") == 0


def _conversations(meta: MetaStandIn, goes_on: Callable[[int], bool]) -> list[float]:
    """Let each customer write, again once the last was answered; seconds until each answer."""

    def converse(customer: str) -> list[float]:
        found: list[float] = []
        while goes_on(len(found)):
            question = f"question {len(found)} {uuid4()}"
            began = time.monotonic()
            meta.write(question, customer)
            _wait(partial(_is_answered, meta, customer, question))
            found.append(time.monotonic() - began)
        return found

    with ThreadPoolExecutor(len(WRITERS)) as pool:
        return [seconds for each in pool.map(converse, WRITERS) for seconds in each]


def _is_answered(meta: MetaStandIn, customer: str, question: str) -> bool:
    chat = meta.chat(customer)
    with meta.simulator.world.lock:
        return any(each.from_business and each.content["body"] == f"to {question}" for each in chat.messages)


def _campaign(gateway: Gateway, meta: MetaStandIn) -> None:
    """Write to people who cannot be reached, and now and then to one who writes, about whom Meta reports the same."""
    headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
    for number, customer in enumerate(UNDELIVERABLE):
        meta.block(customer)
        to = [customer]
        if number % 3 == 0:
            to.append(WRITERS[number // 3 % len(WRITERS)])
            meta.add_fault("fail", to=to[-1], times=1, code=131026)
        for each in to:
            body = json.dumps({"to": f"+{each}", "message": "An offer", "mode": "queued", "force": True}).encode()
            assert gateway.request("POST", "/send/whatsapp", body, headers).status == 202
        time.sleep(EVERY_SECONDS)


def _wait(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)

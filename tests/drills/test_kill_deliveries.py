"""Kill the worker while it delivers: every event reaches the app, in each contact's order, with the same id.

Long form, 20 kills over 3,000 webhooks on each database:
`DRILL=long .venv/bin/pytest tests/drills/test_kill_deliveries.py`.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from app.security.standard_webhooks import new_secret, verify
from tests.drills.conftest import database_of, kinds, sized
from tests.load.bodies import Maker
from tests.load.books import Books
from tests.load.gateway import APP_SECRET, ONE_WEB, Gateway, running
from tests.load.senders import post_all
from tests.load.together import together
from tests.subscriber import ALLOWED, App, Handler, Posted, subscriber

SEED = 815
DRILL_SECONDS = 600.0
DATABASES = kinds("postgresql")


@pytest.fixture(scope="module")
def drills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[None]]]:
    """Both databases side by side: most of the time is spent waiting for a dead worker's lease to end."""
    cases = {kind: partial(_drill, kind) for kind in DATABASES}
    with together(cases, tmp_path_factory.mktemp("deliveries")) as running_:
        yield running_


@pytest.mark.parametrize("kind", DATABASES)
def test_a_killed_worker_loses_no_event_and_no_order(drills: dict[str, Future[None]], kind: str) -> None:
    drills[kind].result(DRILL_SECONDS)


def _drill(kind: str, directory: Path) -> None:
    kills, webhooks = sized(2, 20), sized(160, 3_000)
    chance = random.Random(SEED)
    secret = new_secret()

    def reply(handler: Handler, posted: Posted) -> None:
        time.sleep(chance.random() * 0.02)
        is_first = app.ids.count(posted.id) == 1  # a second failure would be five minutes away
        handler.answer(500 if is_first and chance.random() < 0.01 else 200)

    with database_of(kind) as url, subscriber(reply) as app:
        settings = {
            "WORKER": "external", "FORWARD_URL": app.url, "FORWARD_SECRET": secret, "FORWARD_ALLOW_NETS": ALLOWED,
            **ONE_WEB,
        }  # fmt: skip
        with running(Gateway(directory, settings, database_url=url)) as gateway:
            worker = gateway.start_worker()
            _wait(lambda: Books(gateway).count("endpoints") == 1, 40)
            worker.kill()
            worker.wait(5)
            post_all(gateway, Maker(APP_SECRET, SEED, contacts=60).mixed(webhooks))
            for number in range(1, kills + 1):
                worker = gateway.start_worker()
                _wait(partial(_has, app, webhooks * number / (kills + 1)), 120)
                worker.kill()
                worker.wait(5)
            gateway.start_worker()
            books = Books(gateway)
            books.wait_settled()
            _wait(lambda: books.count("deliveries", "state = 'pending'") == 0, 400)
            _check(books, app, secret)
            books.assert_balanced()


def _check(books: Books, app: App, secret: str) -> None:
    events = dict(books.rows("SELECT id, contact_sequence FROM events"))
    # Reports on messages have an order of their own.
    orders = {row[0]: row[1:] for row in books.rows("SELECT id, contact_id, type = 'message.status' FROM events")}
    first: dict[str, Posted] = {}
    for posted in app.posted:
        body = json.loads(posted.body)
        assert body["id"] == posted.id
        assert first.setdefault(posted.id, posted).body == posted.body
    assert first.keys() == events.keys()
    newest: dict[tuple[str, bool], int] = {}
    for event_id in first:
        order = orders[event_id]
        if order[0] is not None:
            assert events[event_id] > newest.get(order, 0), "an event overtook another of its contact"
            newest[order] = events[event_id]
    posted = app.posted[-1]
    verify(secret, posted.headers, posted.body, now=datetime.now(UTC), tolerance=3600)


def _has(app: App, enough: float) -> bool:
    return len(set(app.ids)) > enough


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.05)

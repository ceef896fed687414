"""PostgreSQL ends all connections, again and again, under load; and a worker is frozen in the middle of its work.

Nothing is stuck afterwards and nobody needs to be restarted: every event reaches the app, each contact's in order. Each
drill has a server of its own. Long form, 40 cuts a second apart under 150 webhooks/s and 5 freezes:
`DRILL=long .venv/bin/pytest tests/drills/test_connections_cut.py`.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest

from app.security.standard_webhooks import new_secret
from tests.drills.conftest import sized, some_of
from tests.load.bodies import Maker
from tests.load.books import Books
from tests.load.gateway import APP_SECRET, ONE_WEB, Gateway, running
from tests.load.postgres import NoPostgres, own_server
from tests.load.senders import Senders
from tests.load.together import together
from tests.subscriber import ALLOWED, App, subscriber

SECONDS_AFTER = 90.0
"""How long after the last trouble everything must be delivered: a lease, a pause, and a slow machine's delay."""

DRILL_SECONDS = 900.0
CONTACTS = 30
WORKERS = 2


def _cut(gateway: Gateway, number: int) -> None:
    """End every connection but our own."""
    time.sleep(1.0)
    with psycopg.connect(gateway.database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


def _freeze(gateway: Gateway, number: int) -> None:
    """Stop one worker for longer than its leases; the others must go on meanwhile."""
    frozen = gateway.workers[number % WORKERS]
    before = Books(gateway).count("events")
    os.kill(frozen.pid, signal.SIGSTOP)
    try:
        _wait(lambda: Books(gateway).count("events") > before, 60)
        time.sleep(sized(1, 30))
    finally:
        os.kill(frozen.pid, signal.SIGCONT)


def _drill(trouble: Callable[[Gateway, int], None], times: int, directory: Path) -> None:
    webhooks = list(Maker(APP_SECRET, 77, contacts=CONTACTS).mixed(sized(200, 6_000)))
    with _gateway(directory) as (gateway, app):
        senders = Senders(gateway, webhooks, threads=4)
        senders.start()
        for number in range(times):
            senders.wait_for(len(webhooks) * number // (2 * times), 30)
            trouble(gateway, number)
        acks = senders.wait(300)
        assert len(acks.acknowledged) == len(webhooks), gateway.tail()
        books = Books(gateway)
        books.wait_settled(SECONDS_AFTER)
        _wait(lambda: books.count("deliveries", "state = 'pending'") == 0, SECONDS_AFTER)
        assert all(worker.poll() is None for worker in gateway.workers)
        _assert_in_order(books, app)
        books.assert_balanced()


def _assert_in_order(books: Books, app: App) -> None:
    # Reports on messages have an order of their own.
    events = {
        row[0]: (row[1:3], row[3])
        for row in books.rows("SELECT id, contact_id, type = 'message.status', contact_sequence FROM events")
    }
    firsts = list(dict.fromkeys(app.ids))
    assert set(firsts) == set(events)
    newest: dict[tuple[str, bool], int] = {}
    for order, place in (events[each] for each in firsts):
        assert place > newest.get(order, 0), "an event overtook another of its contact"
        newest[order] = place


@contextmanager
def _gateway(directory: Path) -> Iterator[tuple[Gateway, App]]:
    try:
        with own_server() as server, subscriber() as app:
            settings = {
                "WORKER": "external", "FORWARD_URL": app.url, "FORWARD_SECRET": new_secret(),
                "FORWARD_ALLOW_NETS": ALLOWED, **ONE_WEB,
            }  # fmt: skip
            with running(Gateway(directory, settings, database_url=server.url)) as gateway:
                for _ in range(WORKERS):
                    gateway.start_worker()
                _wait(lambda: Books(gateway).count("workers") == WORKERS, 90)
                yield gateway, app
    except NoPostgres as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.1)


TROUBLES: dict[str, Callable[[Path], None]] = {
    "cut": partial(_drill, _cut, sized(2, 40)),
    "frozen": partial(_drill, _freeze, sized(1, 5)),
}
TROUBLES = some_of(TROUBLES, "cut")


@pytest.fixture(scope="module")
def drills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[None]]]:
    """Both side by side."""
    with together(TROUBLES, tmp_path_factory.mktemp("troubles")) as running_drills:
        yield running_drills


@pytest.mark.parametrize("trouble", TROUBLES)
def test_nothing_is_stuck_afterwards(drills: dict[str, Future[None]], trouble: str) -> None:
    drills[trouble].result(DRILL_SECONDS)

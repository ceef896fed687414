"""A whole gateway behind PgBouncer in transaction mode: it starts, migrates, receives, processes, sends and delivers.

Once as PgBouncer is installed, once as people set it up to let in clients that ask for `options`: there a client with
prepared statements answers 200 and processes nothing.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from app.security.standard_webhooks import new_secret
from tests.drills.conftest import IS_LONG, sized
from tests.drills.test_sends import TOKEN, _queue, _wait_settled, meta_of
from tests.load.bodies import Maker
from tests.load.books import Books
from tests.load.gateway import APP_SECRET, Gateway, running
from tests.load.pgbouncer import NoPgBouncer, pgbouncer
from tests.load.postgres import NoPostgres, own_database
from tests.load.senders import Senders
from tests.subscriber import ALLOWED, subscriber

pytestmark = pytest.mark.skipif(not IS_LONG, reason="takes a minute: DRILL=long")
SECONDS = 90.0


def test_everything_works_without_a_session(tmp_path: Path) -> None:
    webhooks, sends = list(Maker(APP_SECRET, 815).mixed(sized(150, 3_000))), sized(30, 500)
    try:
        with own_database() as url, pgbouncer(url, ignores_options=True) as through, subscriber() as app:
            gateway = Gateway(tmp_path, database_url=through)
            with meta_of(gateway) as meta:
                gateway.extra = {
                    "GRAPH_API_URL": meta.url, "WHATSAPP_ACCESS_TOKEN": TOKEN, "FORWARD_URL": app.url,
                    "FORWARD_SECRET": new_secret(), "FORWARD_ALLOW_NETS": ALLOWED, "WEB_CONCURRENCY": "1",
                }  # fmt: skip
                with running(gateway):
                    senders = Senders(gateway, webhooks, threads=4)
                    senders.start()
                    batches = _queue(gateway, sends)
                    acks = senders.wait(SECONDS)
                    assert len(acks.acknowledged) == len(webhooks), gateway.tail()
                    states = _wait_settled(gateway, batches)
                    books = Books(gateway)
                    books.wait_settled(SECONDS)
                    _wait_delivered(books)

                    assert "held" not in states and sum(states.values()) == sends
                    assert meta.sent_twice() == []
                    assert set(app.ids) == {row[0] for row in books.rows("SELECT id FROM events")}
                    books.assert_balanced()
                    books.assert_sound()
                    assert acks.messages == set(books.messages())
    except (NoPgBouncer, NoPostgres) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


def _wait_delivered(books: Books) -> None:
    until = time.monotonic() + SECONDS
    while books.count("deliveries", "state = 'pending'"):
        assert time.monotonic() < until, books.gateway.tail()
        time.sleep(0.1)

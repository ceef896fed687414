"""The inbox among very many messages, and what open inboxes cost.

    python -m benchmarks.inbox [--quick] [--pairs 3] [--only reading] [--database-url postgresql://…]

Makes 100,000 messages in 2,000 conversations, 10,000 of them in one, in a database of its own, and asks a gateway with
one web process for lists, searches and threads, over HTTP, one request after the other. Then it posts 100 webhooks a
second, in turn without and with 200 open streams of news, the worker running. Beside each p99 stands the
processor time of the web process, which is the figure to compare on a machine with other work.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import select
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from sqlalchemy import insert, text

from app.clock import utc_now
from app.db.database import Database
from app.ids import new_id
from app.models import Contact, ContactAlias, ContactNumber, Message
from app.models.base import Base, table
from app.services.messages.search_index import index_contacts, index_messages
from app.services.people import ManagePeople
from benchmarks.figures import HEADING, Figure, at_most, middle
from benchmarks.load import open_loop, percentile
from tests.load.bodies import Maker
from tests.load.gateway import API_KEY, APP_SECRET, Gateway, running
from tests.load.postgres import own_database
from tests.migrations.lint import load

NUMBER = "700100200300400"
MESSAGES, CONVERSATIONS, LONGEST = 100_000, 2_000, 10_000
PORTION = 5_000
LISTENERS, RATE = 200, 100
MIGRATION = Path(__file__).parents[1] / "app/migrations/versions"
_SAID = "hola gracias pedido factura envio mañana tienda precio talla azul entrega cuando donde mesa silla".split()


@dataclass(frozen=True, slots=True)
class Asked:
    """A kind of request: what it is called, and its path."""

    name: str
    path: str


def main() -> int:
    """Print the table; the exit code is 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database-url", help="a PostgreSQL server to make databases on; without it SQLite")
    parser.add_argument("--quick", action="store_true", help="fewer requests and shorter runs")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--only", choices=("reading", "listening"))
    asked = parser.parse_args()
    figures: list[Figure] = []
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        url = stack.enter_context(own_database(asked.database_url)) if asked.database_url else ""
        print(f"{asked.database_url or 'SQLite'}\n\n{HEADING}")
        for figure in _measure(directory, url, asked):
            figures.append(figure)
            print(figure.as_line(), flush=True)
    return 1 if any(figure.is_met is False for figure in figures) else 0


def _measure(directory: Path, url: str, asked: argparse.Namespace) -> Iterator[Figure]:
    if asked.only != "listening":
        one = Gateway(directory, {"WORKER": "external", "WEB_CONCURRENCY": "1"}, database_url=url)
        yield from _reading(one, 60 if asked.quick else 200)
    if asked.only != "reading":
        listened = Gateway(directory / "listened", {"WORKER": "embedded"}, database_url=url)
        yield from _listening(listened, asked.pairs, 2.0 if asked.quick else 4.0)


def _reading(gateway: Gateway, count: int) -> Iterator[Figure]:
    with running(gateway):
        longest = _make(Database(gateway.database_url))
        (worker,) = gateway.web_workers()
        cookie = _sign_in(gateway)
        for case in _cases(gateway, longest):
            headers = {"Cookie": cookie} if case.path.startswith("/inbox") else {"Authorization": f"Bearer {API_KEY}"}
            _ask(gateway, case.path, headers, 5)
            before = sum(worker.cpu_times()[:2])
            times = sorted(_ask(gateway, case.path, headers, count))
            cpu = (sum(worker.cpu_times()[:2]) - before) / count * 1000
            name = f"{case.name} (p50 {percentile(times, 0.5):.1f}, CPU {cpu:.1f})"
            yield at_most(name, 100, percentile(times, 0.99))


def _cases(gateway: Gateway, longest: str) -> list[Asked]:
    thread = f"/api/conversations/{longest}/messages"
    oldest_known = json.loads(gateway.get(f"{thread}?limit=200").body)["previous"]
    second = json.loads(gateway.get("/api/conversations?limit=50").body)["next_cursor"]
    return [
        Asked("list", "/api/conversations?limit=50"),
        Asked("list, second page", f"/api/conversations?limit=50&cursor={second}"),
        Asked("list, unread", "/api/conversations?unread=true&limit=50"),
        Asked("list, failed", "/api/conversations?failed=true&limit=50"),
        Asked("list, of a number, nobody's", f"/api/conversations?number={NUMBER}&assignee=none&limit=50"),
        Asked("search, a common word", "/api/conversations?q=pedido&limit=50"),
        Asked("search, a beginning", "/api/conversations?q=fact&limit=50"),
        Asked("search, a rare word", "/api/conversations?q=rareza77&limit=50"),
        Asked("search, a name", "/api/conversations?q=Persona%2012&limit=50"),
        Asked("thread of 10,000, the newest", f"{thread}?limit=50"),
        Asked("thread of 10,000, before", f"{thread}?limit=50&before={oldest_known}"),
        Asked("thread of 10,000, around", f"{thread}?limit=50&around={oldest_known}"),
        Asked("one conversation", f"/api/conversations/{longest}"),
        Asked("poll for news, nothing new", "/inbox/live"),
        Asked("page with list and thread", f"/inbox/{longest}"),
    ]


def _ask(gateway: Gateway, path: str, headers: dict[str, str], count: int) -> list[float]:
    """Milliseconds of each of `count` requests on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    times, etag = [], {}
    for _ in range(count):
        started = time.perf_counter()
        connection.request("GET", path, headers=headers | etag)
        response = connection.getresponse()
        response.read()
        times.append((time.perf_counter() - started) * 1000)
        if response.status not in (200, 304):
            raise RuntimeError(f"{path} answered {response.status}")
        if path == "/inbox/live":
            etag = {"If-None-Match": response.headers["ETag"]}
    connection.close()
    return times


def _make(database: Database) -> str:
    """Make the data; return the id of the longest conversation."""
    chance, now = random.Random(12), utc_now()
    people = [new_id() for _ in range(CONVERSATIONS)]
    with database.write() as session:
        _add(session, Contact, [
            {"id": person, "wa_id": f"54911{n:08}", "name": f"Persona {n}", "event_count": 0, "created_at": now,
             "updated_at": now} for n, person in enumerate(people)
        ])  # fmt: skip
        _add(session, ContactAlias, [
            {"kind": "wa_id", "value": f"54911{n:08}", "app": "", "contact_id": person}
            for n, person in enumerate(people)
        ])  # fmt: skip
        _add(session, ContactNumber, [
            {"contact_id": person, "phone_number_id": NUMBER, "last_inbound_at": now} for person in people
        ])  # fmt: skip
    begun = now - timedelta(days=30)
    owners = [people[0]] * LONGEST + [chance.choice(people) for _ in range(MESSAGES - LONGEST)]
    chance.shuffle(owners)
    for start in range(0, MESSAGES, PORTION):
        portion = enumerate(owners[start : start + PORTION], start)
        rows = [_message(n, owner, begun + n * timedelta(seconds=25), chance) for n, owner in portion]
        with database.write() as session:
            _add(session, Message, rows)
    (path,) = MIGRATION.glob("[0-9][0-9][0-9][0-9]_conversations.py")
    migration = load(path)
    with database.write() as session:
        new = migration.NEW_ID["sqlite" if database.is_sqlite else "postgresql"]
        session.execute(text(migration.FILL.format(new_id=new)))
        session.execute(text("UPDATE conversations SET unread = 2 WHERE id < '4'"))
    while index_messages(database) or index_contacts(database):
        pass
    with database.write() as session:
        session.execute(text("ANALYZE"))
        longest = session.scalar(
            text("SELECT id FROM conversations WHERE contact_id = :contact"), {"contact": people[0]}
        )
    database.dispose()
    return str(longest)


def _message(number: int, owner: str, at: Any, chance: random.Random) -> dict[str, Any]:
    said = " ".join(chance.choices(_SAID, k=8)) + f" rareza{number}"
    kind = "reaction" if number % 50 == 3 else "text"
    inbound = number % 2 == 0
    status = "received" if inbound else "failed" if number % 400 == 1 else "read"
    at = at.replace(microsecond=0)
    return {
        "id": new_id(), "direction": "inbound" if inbound else "outbound", "phone_number_id": NUMBER,
        "wamid": f"wamid.{number:032X}", "contact_id": owner, "sender": None, "recipient": None, "message_type": kind,
        "message": said, "content": {"to": f"wamid.{max(number - 9, 0):032X}", "emoji": "👍"} if kind == "reaction" else
        {"body": said}, "timestamp": at, "status": status, "source": "live", "flags": [], "received_at": at,
        "updated_at": at,
    }  # fmt: skip


def _add(session: Any, model: type[Base], rows: list[dict[str, Any]]) -> None:
    session.execute(insert(table(model)), rows)


def _sign_in(gateway: Gateway) -> str:
    """Add an admin; return the cookie of a browser in which they are signed in."""
    database = Database(gateway.database_url)
    people = ManagePeople(database, utc_now, timedelta(hours=1))
    path = f"/inbox/sign-in/{people.make_link(people.add(f'Bench {new_id()[-6:]}', 'admin').id)}"
    database.dispose()
    page = gateway.request("GET", path)
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    token = re.search(rb'<meta name="csrf-token" content="([^"]+)"', page.body)
    assert token is not None
    entered = gateway.request(
        "POST", path, headers={"Cookie": cookie, "X-CSRFToken": token[1].decode(), "Content-Length": "0"}
    )
    return entered.headers["Set-Cookie"].partition(";")[0]


def _listening(gateway: Gateway, pairs: int, seconds: float) -> Iterator[Figure]:
    maker = Maker(APP_SECRET, 31)
    with running(gateway):
        cookies = [_sign_in(gateway) for _ in range(LISTENERS // 25)]
        _post(gateway, maker, seconds)
        alone, beside, memory, heard = [], [], [], []
        for _ in range(pairs):
            alone.append(_post(gateway, maker, seconds))
            before = _megabytes(gateway.web_workers())
            with _streams(gateway, cookies) as streams:
                time.sleep(2)
                memory.append(_megabytes(gateway.web_workers()) - before)
                beside.append(_post(gateway, maker, seconds))
                time.sleep(1)
            heard.append(streams.news)
        late, cost = ([median(each[n] for each in runs) for runs in (alone, beside)] for n in (0, 1))
        yield Figure(f"webhook p50 at {RATE}/s, nobody listens", late[0], "ms")
        yield Figure(f"the same beside {LISTENERS} streams", late[1], "ms")
        yield Figure(f"web processes at {RATE}/s, nobody listens", cost[0], "% of a core")
        yield at_most(f"more of it beside {LISTENERS} streams", 10, cost[1] - cost[0], "% of a core")
        yield at_most(f"memory of {LISTENERS} streams, all web processes", 60, middle(memory), "MB")
        yield Figure("news that each stream heard, a run", middle(heard) / LISTENERS)


def _post(gateway: Gateway, maker: Maker, seconds: float) -> tuple[float, float]:
    """Post at a fixed rate for some seconds; return the p50 in ms, and what the web processes took of a core in %."""
    webhooks = maker.mixed(int(RATE * seconds))
    before, started = _cpu(gateway.web_workers()), time.monotonic()
    result = open_loop(
        f"{gateway.url}/webhook/whatsapp", webhooks, rate=RATE, connections=32, seconds=seconds
    )
    spent = _cpu(gateway.web_workers()) - before
    return result.p50, spent / (time.monotonic() - started) * 100


def _cpu(processes: list[psutil.Process]) -> float:
    return sum(sum(each.cpu_times()[:2]) for each in processes)


def _megabytes(processes: list[psutil.Process]) -> float:
    return sum(each.memory_full_info().pss for each in processes) / 2**20


class _Streams:
    """Open streams, read by one thread."""

    def __init__(self, port: int, cookies: list[str]) -> None:
        self.news, self._is_over, self._sockets = 0, False, []
        for n in range(LISTENERS):
            opened = socket.create_connection(("127.0.0.1", port), 10)
            opened.sendall(
                b"GET /inbox/live HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: text/event-stream\r\nCookie: %s\r\n\r\n"
                % (port, cookies[n % len(cookies)].encode())
            )
            self._sockets.append(opened)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        waiting = select.poll()
        by_number = {each.fileno(): each for each in self._sockets}
        for number in by_number:
            waiting.register(number, select.POLLIN)
        while not self._is_over:
            for number, _ in waiting.poll(200):
                part = by_number[number].recv(65536)
                self.news += part.count(b"event: news")
                if not part:
                    waiting.unregister(number)

    def close(self) -> None:
        self._is_over = True
        self._thread.join()
        for each in self._sockets:
            each.close()


@contextmanager
def _streams(gateway: Gateway, cookies: list[str]) -> Iterator[_Streams]:
    streams = _Streams(gateway.port, cookies)
    try:
        until = time.monotonic() + 60
        while streams.news < LISTENERS and time.monotonic() < until:  # each hears first how things stand
            time.sleep(0.1)
        streams.news = 0
        yield streams
    finally:
        streams.close()


if __name__ == "__main__":
    sys.exit(main())

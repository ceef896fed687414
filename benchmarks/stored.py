"""Whether rates stay the same however much is stored: webhooks, items, sends and deliveries a second.

    python -m benchmarks.stored [--stored 0,100000,1000000] [--rounds 3] [--kinds webhooks,items,sends,deliveries]
        [--database-url postgresql://…] [--at FOLDER] [--make]

A gateway for each size, with one worker while a backlog is worked off (see `benchmarks.backlogs`); sizes take turns.
With `--at` the databases stay: files in that folder, or databases named after it on that server. `--make` only makes
them, so that it can be done before the machine is quiet. Needs nginx, which stands in for Graph and the app, and wrk.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from app import migrations
from app.clock import utc_now
from app.db.database import Database
from app.models import Message
from app.services.messages import index_contacts
from app.services.operations import CountTraffic
from benchmarks.backlogs import KINDS, SETTINGS, Backlogs
from benchmarks.figures import HEADING, Figure, at_least, middle
from benchmarks.lists.data import Data
from benchmarks.retention import KEEPING
from benchmarks.send import OTHERS
from benchmarks.stand_in import standing_in
from benchmarks.wrk import fastest_loop
from tests.load.bodies import Maker
from tests.load.gateway import APP_SECRET, Gateway, running
from tests.load.senders import PATH

CONNECTIONS, WEBHOOK_SECONDS, CEILING = 32, 3.0, 8_000
COUNTS = {"items": 8000, "sends": 6000, "deliveries": 8000}


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stored", default="0,100000,1000000", help="messages in each database")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", default=",".join(("webhooks", *KINDS)))
    parser.add_argument("--database-url", default="", help="a PostgreSQL server to make databases on; else SQLite")
    parser.add_argument("--at", type=Path, help="a folder in which databases are kept")
    parser.add_argument("--make", action="store_true", help="only make the databases, there")
    asked = parser.parse_args()
    sizes = [int(each) for each in asked.stored.split(",")]
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        at = asked.at or directory
        urls = {size: _url(asked.database_url, at, size) for size in sizes}
        if not asked.at and asked.database_url:
            stack.callback(lambda: [_drop(asked.database_url, url) for url in urls.values()])
        if asked.make or not asked.at:
            for size, url in urls.items():
                _make(asked.database_url, url, size)
        if asked.make:
            return
        graph = stack.enter_context(standing_in(directory / "graph"))
        app = stack.enter_context(standing_in(directory / "app", "{}"))
        backlogs = {}
        for size, url in urls.items():
            # What is a year old by now would be pruned meanwhile, all of it at once.
            settings = SETTINGS | KEEPING | {"GRAPH_API_URL": graph.url}
            gateway = stack.enter_context(running(Gateway(directory / str(size), settings, database_url=url)))
            for number in OTHERS:
                gateway.flask("numbers", "add", number)
            backlogs[size] = Backlogs(gateway, graph, app)
        rates = _rates(backlogs, asked.kinds.split(","), asked.rounds)
    print(HEADING)
    for figure in _figures(rates, sizes):
        print(figure.as_line())


def _rates(
    backlogs: dict[int, Backlogs], kinds: list[str], rounds: int
) -> dict[tuple[str, int], list[float]]:  # fmt: skip
    rates: dict[tuple[str, int], list[float]] = {}
    for kind in kinds:
        for number in range(rounds):
            for size in list(backlogs)[:: -1 if number % 2 else 1]:
                rate = _webhooks(backlogs[size]) if kind == "webhooks" else (
                    backlogs[size].rate(kind, 1, COUNTS[kind])
                )  # fmt: skip
                rates.setdefault((kind, size), []).append(rate)
                print(f"{kind}, {size:,} stored: {rate:,.0f}/s", flush=True)
        if kind == "webhooks":
            for each in backlogs.values():
                each.drain()
    return rates


def _webhooks(backlogs: Backlogs) -> float:
    webhooks = Maker(APP_SECRET, time.time_ns() % 2**32).mixed(int(CEILING * WEBHOOK_SECONDS))
    url = backlogs.gateway.url + PATH
    result = fastest_loop(url, webhooks, connections=CONNECTIONS, seconds=WEBHOOK_SECONDS)
    assert result.is_clean, backlogs.gateway.tail(800)
    return result.rate


def _figures(rates: dict[tuple[str, int], list[float]], sizes: list[int]) -> Iterator[Figure]:
    for kind in dict.fromkeys(kind for kind, _ in rates):
        for size in sizes:
            yield Figure(f"{kind}, {size:,} stored", middle(rates[kind, size]), "/s")
        for size in sizes[1:]:
            pairs = zip(rates[kind, size], rates[kind, sizes[0]], strict=True)
            ratio = middle(many / few for many, few in pairs)
            yield at_least(f"{kind}, {size:,} stored ÷ {sizes[0]:,}", 0.9, ratio)


def _url(server: str, at: Path, size: int) -> str:
    if not server:
        return f"sqlite:///{at / f'stored-{size}.db'}"
    name = f"{at.name}_stored_{size}".replace("-", "_")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _make(server: str, url: str, size: int) -> None:
    started = time.monotonic()
    if server:
        _drop(server, url)
        _on(server, f'CREATE DATABASE "{make_url(url).database}"')
    else:
        file = Path(str(make_url(url).database))
        file.parent.mkdir(parents=True, exist_ok=True)
        for ending in ("", "-wal", "-shm"):
            file.with_name(file.name + ending).unlink(missing_ok=True)
    database = Database(url)
    migrations.upgrade(database)
    if size:
        Data(size).load(database, findable=True)
        # Else a worker would do that while it is measured.
        while index_contacts(database):
            pass
        count_traffic = CountTraffic(database)
        while count_traffic(utc_now()):
            pass
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == size
    database.dispose()
    print(f"{size:,} messages made in {time.monotonic() - started:.0f} s", flush=True)


def _drop(server: str, url: str) -> None:
    _on(server, f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')


def _on(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())


if __name__ == "__main__":
    main()

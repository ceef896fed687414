"""What workers do a second on PostgreSQL, one, two and four of them, with and without a broker, side by side.

    python -m benchmarks.scale [--rounds 3] [--workers 1,2,4] [--items 6000] [--sends 4000] [--deliveries 6000]
        [--kinds items,sends,deliveries] [--broker URL]

Two web processes, one database; a backlog of one kind is made while no worker runs, then workers start and work it off.
The rate is that between 30 and 95 % of the backlog, when all of them are there. Needs nginx, which stands in for Graph
and the app, PostgreSQL at TEST_POSTGRES_URL, and RabbitMQ at TEST_AMQP_URL (or `--broker URL`). Leave the machine alone
meanwhile: all sides share its cores.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from app.clock import utc_now
from app.config.settings import load_config
from app.container import Gateway as Services
from app.security.standard_webhooks import new_secret
from app.services.events import append_events, event_row
from app.services.registries.endpoints import new_row
from app.store import endpoints
from benchmarks.figures import HEADING, Figure, at_least, middle
from benchmarks.send import NUMBER, OTHERS, _queue
from benchmarks.stand_in import StandIn, standing_in
from tests.load.bodies import Maker
from tests.load.books import Books
from tests.load.brokers import own_virtual_host
from tests.load.gateway import APP_SECRET, Gateway, running
from tests.load.postgres import own_database
from tests.load.senders import post_all

ENGINES = ("own claims", "broker")
SECONDS = 180.0

Prepare = Callable[[Gateway, int], None]
Times = Callable[[Gateway], list[float]]


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--items", type=int, default=6000)
    parser.add_argument("--sends", type=int, default=4000)
    parser.add_argument("--deliveries", type=int, default=6000)
    parser.add_argument("--kinds", default="items,sends,deliveries")
    parser.add_argument("--broker", default="")
    given = parser.parse_args()
    sizes = [int(each) for each in given.workers.split(",")]
    rates: dict[tuple[str, int, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        with (
            standing_in(directory / "graph") as graph,
            standing_in(directory / "app", "{}") as app,
            nullcontext(given.broker) if given.broker else own_virtual_host() as broker,
        ):
            for number in range(given.rounds):
                for engine in ENGINES:
                    settings = {"BROKER_URL": broker if engine == "broker" else "", "GRAPH_API_URL": graph.url}
                    with _gateway(directory / f"{engine}{number}", settings) as gateway:
                        for kind, workers, rate in _measured(gateway, sizes, given, graph, app):
                            rates.setdefault((kind, workers, engine), []).append(rate)
                            print(f"{kind}, {workers} worker(s), {engine}: {rate:,.0f}/s", flush=True)
    print(HEADING)
    for figure in _figures(rates, sizes):
        print(figure.as_line())


def _measured(
    gateway: Gateway, sizes: list[int], given: argparse.Namespace, graph: StandIn, app: StandIn
) -> Iterator[tuple[str, int, float]]:
    seed = time.time_ns() % 2**32

    def items(gateway: Gateway, count: int) -> None:
        nonlocal seed
        seed += 1
        post_all(gateway, Maker(APP_SECRET, seed, contacts=2000).mixed(count), seconds=300)

    def processed(gateway: Gateway) -> list[float]:
        rows = Books(gateway).rows(
            "SELECT extract(epoch FROM processed_at) FROM notifications WHERE processed_at > "
            f"to_timestamp({began}) ORDER BY 1"
        )
        return [float(row[0]) for row in rows]

    def sends(gateway: Gateway, count: int) -> None:
        nonlocal sent
        numbers = (NUMBER, *OTHERS)
        for number in numbers:
            _queue(gateway, number, count // len(numbers), first=sent)
        sent += count

    sent, began = 0, 0.0
    for workers in sizes if "items" in given.kinds else ():
        began = time.time()
        yield "items", workers, _rate(gateway, workers, given.items, items, processed)
    for workers in sizes if "sends" in given.kinds else ():
        graph.forget()
        yield "sends", workers, _rate(gateway, workers, given.sends, sends, lambda _: graph.arrivals())
    _add_endpoint(gateway, f"{app.url}/events")
    for workers in sizes if "deliveries" in given.kinds else ():
        app.forget()
        yield "deliveries", workers, _rate(gateway, workers, given.deliveries, _events, lambda _: app.arrivals())


def _rate(gateway: Gateway, workers: int, count: int, prepare: Prepare, times: Times) -> float:
    prepare(gateway, count)
    running_ = [gateway.start_worker() for _ in range(workers)]
    until = time.monotonic() + SECONDS
    while len(found := times(gateway)) < count and time.monotonic() < until:
        time.sleep(0.5)
    for worker in running_:
        worker.terminate()
    for worker in running_:
        worker.wait(60)
    gateway.workers.clear()
    if len(found) < count:
        states = Books(gateway).rows("SELECT status, count(*) FROM messages GROUP BY 1")
        raise RuntimeError(f"only {len(found)} of {count}: {states} {gateway.tail(1500)}")
    first, last = int(count * 0.3), int(count * 0.95)
    return (last - first) / max(found[last] - found[first], 0.001)


@contextmanager
def _gateway(directory: Path, settings: dict[str, str]) -> Iterator[Gateway]:
    ours = {"WORKER": "external", "MESSAGES_PER_SECOND": "1000", "LOG_LEVEL": "WARNING", "WEB_CONCURRENCY": "2",
            "FORWARD_ALLOW_NETS": "127.0.0.0/8"}  # fmt: skip
    with own_database() as url, running(Gateway(directory, ours | settings, database_url=url)) as gateway:
        for number in OTHERS:
            gateway.flask("numbers", "add", number)
        yield gateway


def _services(gateway: Gateway) -> Services:
    return Services.build(load_config(gateway.env | {"BROKER_URL": ""}), "0")


def _add_endpoint(gateway: Gateway, url: str) -> None:
    services = _services(gateway)
    row = new_row("benchmark", utc_now(), secret=services.encryptor.encrypt(new_secret()))
    row.url, row.format = url, "event"
    with services.database.write() as session:
        endpoints.add(session, row)
    services.database.dispose()


def _events(gateway: Gateway, count: int) -> None:
    services, now = _services(gateway), utc_now()
    data = {"message": "x" * 40, "content": {"body": "x" * 40}, "filler": "y" * 600}
    for first in range(0, count, 500):
        rows = [
            event_row(
                "message.received", data, now, phone_number_id="1", contact_id=f"contact-{number % 400}",
                contact_sequence=number,
            )  # fmt: skip
            for number in range(first, first + 500)
        ]
        with services.database.write() as session:
            append_events(session, rows)
    services.database.dispose()


def _figures(rates: dict[tuple[str, int, str], list[float]], sizes: list[int]) -> Iterator[Figure]:
    for kind in ("items", "sends", "deliveries"):
        for workers in sizes if (kind, sizes[0], ENGINES[0]) in rates else ():
            ours, brokers = (rates[kind, workers, engine] for engine in ENGINES)
            yield Figure(f"{kind}, {workers} worker(s), own claims", middle(ours), "/s")
            yield Figure(f"{kind}, {workers} worker(s), with a broker", middle(brokers), "/s")
            ratio = middle(one / other for one, other in zip(brokers, ours, strict=True))
            yield at_least(f"{kind}, {workers} worker(s), broker ÷ own claims", 0.9, ratio)


if __name__ == "__main__":
    main()

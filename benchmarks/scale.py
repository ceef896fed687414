"""What workers do a second on PostgreSQL, one, two and four of them, with and without a broker, side by side.

    python -m benchmarks.scale [--rounds 3] [--workers 1,2,4] [--items 12000] [--sends 12000] [--deliveries 12000]
        [--kinds items,sends,deliveries] [--broker URL]

Two web processes, one database; a backlog of one kind is made while no worker runs, then workers start and work it off:
see `benchmarks.backlogs`. Needs nginx, which stands in for Graph and the app, PostgreSQL at TEST_POSTGRES_URL, and
RabbitMQ at TEST_AMQP_URL (or `--broker URL`). Leave the machine alone meanwhile: all sides share its cores.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from benchmarks.backlogs import KINDS, SETTINGS, Backlogs
from benchmarks.figures import HEADING, Figure, at_least, middle
from benchmarks.send import OTHERS
from benchmarks.stand_in import standing_in
from tests.load.brokers import own_virtual_host
from tests.load.gateway import Gateway, running
from tests.load.postgres import own_database

ENGINES = ("own claims", "broker")


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--items", type=int, default=12000)
    parser.add_argument("--sends", type=int, default=12000)
    parser.add_argument("--deliveries", type=int, default=12000)
    parser.add_argument("--kinds", default=",".join(KINDS))
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
                        for kind, workers, rate in _measured(Backlogs(gateway, graph, app), sizes, given):
                            rates.setdefault((kind, workers, engine), []).append(rate)
                            print(f"{kind}, {workers} worker(s), {engine}: {rate:,.0f}/s", flush=True)
    print(HEADING)
    for figure in _figures(rates, sizes):
        print(figure.as_line())


def _measured(
    backlogs: Backlogs, sizes: list[int], given: argparse.Namespace
) -> Iterator[tuple[str, int, float]]:
    for kind in KINDS:
        for workers in sizes if kind in given.kinds.split(",") else ():
            yield kind, workers, backlogs.rate(kind, workers, getattr(given, kind))


@contextmanager
def _gateway(directory: Path, settings: dict[str, str]) -> Iterator[Gateway]:
    with own_database() as url, running(Gateway(directory, SETTINGS | settings, database_url=url)) as gateway:
        for number in OTHERS:
            gateway.flask("numbers", "add", number)
        yield gateway


def _figures(rates: dict[tuple[str, int, str], list[float]], sizes: list[int]) -> Iterator[Figure]:
    for kind in KINDS:
        for workers in sizes if (kind, sizes[0], ENGINES[0]) in rates else ():
            ours, brokers = (rates[kind, workers, engine] for engine in ENGINES)
            yield Figure(f"{kind}, {workers} worker(s), own claims", middle(ours), "/s")
            yield Figure(f"{kind}, {workers} worker(s), with a broker", middle(brokers), "/s")
            ratio = middle(one / other for one, other in zip(brokers, ours, strict=True))
            yield at_least(f"{kind}, {workers} worker(s), broker ÷ own claims", 0.9, ratio)


if __name__ == "__main__":
    main()

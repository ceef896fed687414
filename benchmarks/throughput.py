"""Durable webhooks a second against two baselines, interleaved on one machine, and the CPU time of one webhook.

    python -m benchmarks.throughput [--rounds 3] [--seconds 2] [--database-url postgresql://…]

CPU time is that of the processes that answer, without a PostgreSQL server's. It hardly depends on what else the machine
does meanwhile, as rates do.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.figures import HEADING, Figure, at_least, at_most, middle
from benchmarks.load import Result
from benchmarks.wrk import fastest_loop
from tests.load.bodies import Maker
from tests.load.gateway import APP_SECRET, GUNICORN, Gateway, running
from tests.load.postgres import own_database
from tests.load.senders import PATH

CONNECTIONS = 32
CEILING = 16_000
"""More webhooks a second than anything here answers: how many are made for a run."""

SIDES = {
    "durable": GUNICORN,
    "bare": (*GUNICORN[:-1], "benchmarks.baselines:bare()"),
    "forgetful": (*GUNICORN[:-1], "benchmarks.baselines:forgetful()"),
}


def measure(directory: Path, database_url: Callable[[], str], rounds: int, seconds: float) -> list[Figure]:
    """Load each side in turn, `rounds` times, the worker stopped. The durable side alone uses `database_url`."""
    results: dict[str, list[Result]] = {side: [] for side in SIDES}
    spent: dict[str, list[float]] = {side: [] for side in SIDES}
    with ExitStack() as stack:
        gateways = {
            side: stack.enter_context(running(Gateway(
                directory / side, {"WORKER": "external"}, command, database_url() if side == "durable" else ""
            )))
            for side, command in SIDES.items()
        }  # fmt: skip
        for gateway in gateways.values():
            _load(gateway, 1.0)
        for _ in range(rounds):
            for side, gateway in gateways.items():
                before = _cpu_seconds(gateway)
                result = _load(gateway, seconds)
                results[side].append(result)
                spent[side].append((_cpu_seconds(gateway) - before) / result.requests * 1000)
    return _figures(results, spent)


def _cpu_seconds(gateway: Gateway) -> float:
    times = [process.cpu_times() for process in gateway.web_workers()]
    return sum(each.user + each.system for each in times)


def _load(gateway: Gateway, seconds: float) -> Result:
    webhooks = Maker(APP_SECRET, time.time_ns() % 2**32).mixed(int(CEILING * seconds))
    result = fastest_loop(gateway.url + PATH, webhooks, connections=CONNECTIONS, seconds=seconds)
    if not result.is_clean:
        raise RuntimeError(f"{result.non_2xx} refused, {result.errors} broken: {gateway.tail(800)}")
    return result


def _figures(results: dict[str, list[Result]], spent: dict[str, list[float]]) -> list[Figure]:
    rates = {side: [run.rate for run in runs] for side, runs in results.items()}
    over_bare = middle(ours / theirs for ours, theirs in zip(rates["durable"], rates["bare"], strict=True))
    over_own = middle(ours / theirs for ours, theirs in zip(rates["durable"], rates["forgetful"], strict=True))
    by_cpu = middle(theirs / ours for ours, theirs in zip(spent["durable"], spent["bare"], strict=True))
    p99 = middle(run.p99 for run in results["durable"])
    return [
        *(Figure(f"{side} webhooks", middle(values), "/s") for side, values in rates.items()),
        *(Figure(f"CPU of a webhook, {side}", round(middle(values), 3), "ms") for side, values in spent.items()),
        at_least("durable ÷ bare Flask", 0.9, over_bare),
        at_least("durable ÷ bare Flask, by CPU", 0.9, by_cpu),
        at_least("durable ÷ the same app keeping nothing", 0.85, over_own),
        at_most(f"p99, durable, {CONNECTIONS} connections", 60, p99),
        Figure(f"p99, bare Flask, {CONNECTIONS} connections", middle(run.p99 for run in results["bare"]), "ms"),
    ]


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--database-url", help="a PostgreSQL server to make a database on; without it SQLite")
    asked = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        url = stack.enter_context(own_database(asked.database_url)) if asked.database_url else ""
        print(HEADING)
        for figure in measure(directory, lambda: url, asked.rounds, asked.seconds):
            print(figure.as_line())


if __name__ == "__main__":
    main()

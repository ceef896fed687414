"""Webhooks beside a thousand requests that wait for events, 300 of which were given up.

    python -m benchmarks.polls [--pairs 5] [--waiters 1000] [--abandoned 300] [--database-url postgresql://…]

Webhooks come at a fixed rate, in turn without and with the waiters, who wait for a type of event that does not come.
What waiting costs by itself is the processor time of the web processes, without webhooks.
"""

from __future__ import annotations

import argparse
import itertools
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from benchmarks.figures import HEADING, Figure, at_most, middle
from benchmarks.load import Run
from tests.load.bodies import Maker
from tests.load.connection import raw_request
from tests.load.gateway import APP_SECRET, Gateway, running
from tests.load.postgres import own_database

RATE, SECONDS, SETTLED_SECONDS = 100, 6.0, 3.0
COST_SECONDS, MOST_SETTLING_SECONDS, BUSY_PER_CENT = 5.0, 8.0, 20.0
KEYS = 4


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--waiters", type=int, default=1000)
    parser.add_argument("--abandoned", type=int, default=300)
    parser.add_argument("--database-url", help="a PostgreSQL server to make a database on; without it SQLite")
    asked = parser.parse_args()
    maker = Maker(APP_SECRET, 29)
    with ExitStack() as stack:
        url = stack.enter_context(own_database(asked.database_url)) if asked.database_url else ""
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        gateway = stack.enter_context(running(Gateway(directory, {"WORKER": "external"}, database_url=url)))
        keys = [gateway.flask("keys", "add", f"reader{n}").stdout.strip().splitlines()[-1] for n in range(KEYS)]
        alone, beside, costs = [], [], []
        for _ in range(asked.pairs):
            alone.append(_post(gateway, maker))
            with _waiting(gateway, keys, asked.waiters, asked.abandoned) as answered:
                _settle(gateway.web_workers())
                costs.append(_cost(gateway.web_workers(), COST_SECONDS))
                beside.append(_post(gateway, maker))
            time.sleep(SETTLED_SECONDS)
        print(f"of the waiters that stayed, answered at once: {dict(answered) or 'none'}")
        print(HEADING)
        print(Figure("webhook p99, nobody waits", middle(alone), "ms").as_line())
        print(Figure(f"webhook p99 beside {asked.waiters} waiters", middle(beside), "ms").as_line())
        print(at_most("the second over the first", 1.2, middle(beside) / middle(alone), "").as_line())
        print(at_most("what waiting costs, both web processes", 3.0, middle(costs), "%").as_line())


def _post(gateway: Gateway, maker: Maker) -> float:
    webhooks = maker.mixed(int(RATE * SECONDS))
    url = f"{gateway.url}/webhook/whatsapp"
    result = Run(url, (raw_request(url, each) for each in webhooks), 8).open(RATE, SECONDS)
    return result.p99 if result.is_clean else float("inf")


@contextmanager
def _waiting(gateway: Gateway, keys: list[str], waiters: int, abandoned: int) -> Iterator[Counter[str]]:
    """Connections that have asked for events and read nothing, some of them closed again."""
    opened = []
    for key in itertools.islice(itertools.cycle(keys), waiters):
        connection = socket.create_connection(("127.0.0.1", gateway.port), 10)
        connection.sendall(
            b"GET /api/events?after=newest&type=call&wait=25 HTTP/1.1\r\nHost: x\r\n"
            b"Authorization: Bearer %s\r\n\r\n" % key.encode()
        )
        opened.append(connection)
    for connection in opened[:abandoned]:
        connection.close()
    time.sleep(1)
    answered: Counter[str] = Counter()
    try:
        yield answered
        for connection in opened[abandoned:]:
            connection.setblocking(False)
            try:
                answered[connection.recv(4096)[9:12].decode()] += 1
            except BlockingIOError:
                pass
    finally:
        for connection in opened:
            connection.close()


def _settle(processes: list[psutil.Process]) -> None:
    """Wait until a thousand requests have been read, as far as that happens before the first of them end."""
    until = time.monotonic() + MOST_SETTLING_SECONDS
    while _cost(processes, 1.0) > BUSY_PER_CENT and time.monotonic() < until:
        pass


def _cost(processes: list[psutil.Process], seconds: float) -> float:
    """Per cent of a core."""
    before = sum(sum(each.cpu_times()[:2]) for each in processes)
    time.sleep(seconds)
    return (sum(sum(each.cpu_times()[:2]) for each in processes) - before) / seconds * 100


if __name__ == "__main__":
    main()

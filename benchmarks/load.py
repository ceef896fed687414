"""A load generator light enough to share two cores with the server it measures.

    python -m benchmarks.load http://127.0.0.1:8000/webhook/whatsapp --secret S --connections 32 --seconds 5
    python -m benchmarks.load http://127.0.0.1:8000/webhook/whatsapp --secret S --rate 320 --seconds 10

Keep-alive connections, bodies signed beforehand. Without a rate the loop is closed: each connection posts again as
soon as it is answered. With a rate it is open: requests are due at fixed times whatever the server does, and a latency
counts from the time a request was due, so that waiting for a free connection is part of it.
"""

from __future__ import annotations

import argparse
import json
import select
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from tests.load.bodies import Maker, Webhook
from tests.load.connection import TIMEOUT_SECONDS, Connection, raw_request

DRAIN_SECONDS = TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True)
class Result:
    """What one run saw. Times are milliseconds; `errors` counts requests that never got an answer."""

    seconds: float
    requests: int
    rate: float
    p50: float
    p95: float
    p99: float
    max: float
    non_2xx: int
    errors: int

    @property
    def is_clean(self) -> bool:
        """Whether every request was answered 2xx."""
        return self.non_2xx == 0 and self.errors == 0


def percentile(ordered: list[float], share: float) -> float:
    """Nearest-rank percentile of an ascending list; 0 for an empty one."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


class Run:
    """One run over a list of connections: `closed` or `open`, once."""

    def __init__(self, url: str, requests: Iterable[bytes], connections: int) -> None:
        parts = urlsplit(url)
        address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.requests: Iterator[bytes] = iter(requests)
        self.connections = [Connection(address) for _ in range(connections)]
        self.busy: set[Connection] = set()
        self.latencies: list[float] = []
        self.non_2xx = 0
        self.errors = 0

    def closed(self, seconds: float) -> Result:
        """Post on every connection, again and again, until the time is over or the requests are."""
        started = self._ready()
        over = started + seconds
        for connection in self.connections:
            self._post_next(connection, started)
        while self.busy:
            for connection in self._answered(over + DRAIN_SECONDS):
                now = time.perf_counter()
                if now < over:
                    self._post_next(connection, now)
            if time.perf_counter() > over + DRAIN_SECONDS:
                break
        return self._result(time.perf_counter() - started)

    def open(self, rate: float, seconds: float) -> Result:
        """Post `rate` requests a second at fixed times; those that find no connection free wait, and it counts."""
        started = self._ready()
        over = started + seconds
        dues = deque(started + number / rate for number in range(int(rate * seconds)))
        idle = deque(self.connections)
        while dues or self.busy:
            while dues and idle and dues[0] <= time.perf_counter():
                self._post_next(idle.popleft(), dues.popleft())
            wake = dues[0] if dues and idle else over + DRAIN_SECONDS
            idle.extend(self._answered(wake))
            if time.perf_counter() > over + DRAIN_SECONDS:
                break
        self.errors += len(dues)
        return self._result(seconds)

    def _ready(self) -> float:
        """Connect before the clock starts; the time it starts at."""
        for connection in self.connections:
            connection.open()
        return time.perf_counter()

    def _post_next(self, connection: Connection, due: float) -> None:
        request = next(self.requests, None)
        if request is None:
            return
        try:
            connection.post(request, due)
        except OSError:
            self._broken(connection)
        else:
            self.busy.add(connection)

    def _answered(self, until: float) -> list[Connection]:
        """Wait for answers, no longer than `until`; the connections that are free again."""
        free = []
        for connection in select.select(self.busy, (), (), max(0.0, until - time.perf_counter()))[0]:
            try:
                status = connection.answer()
            except OSError:
                self.busy.discard(connection)
                self._broken(connection)
                free.append(connection)
            else:
                if status is not None:
                    self._record(connection, status)
                    free.append(connection)
        return free

    def _record(self, connection: Connection, status: int) -> None:
        self.busy.discard(connection)
        self.latencies.append((time.perf_counter() - connection.due) * 1000)
        self.non_2xx += not 200 <= status < 300

    def _broken(self, connection: Connection) -> None:
        self.errors += 1
        connection.close()

    def _result(self, seconds: float) -> Result:
        self.errors += len(self.busy)
        for connection in self.connections:
            connection.close()
        ordered = sorted(self.latencies)
        p50, p95, p99, highest = (round(percentile(ordered, share), 2) for share in (0.5, 0.95, 0.99, 1.0))
        rate = round(len(ordered) / seconds, 1)
        return Result(round(seconds, 3), len(ordered), rate, p50, p95, p99, highest, self.non_2xx, self.errors)


def closed_loop(url: str, webhooks: Iterable[Webhook], *, connections: int, seconds: float) -> Result:
    """Post as fast as `connections` allow for `seconds`, or until the webhooks are used up."""
    return Run(url, [raw_request(url, webhook) for webhook in webhooks], connections).closed(seconds)


def open_loop(url: str, webhooks: Iterable[Webhook], *, rate: float, connections: int, seconds: float) -> Result:
    """Post `rate` a second for `seconds`."""
    return Run(url, [raw_request(url, webhook) for webhook in webhooks], connections).open(rate, seconds)


def main() -> None:
    """Run once from the command line and print the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--secret", required=True, help="the app secret that signs")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; without it the loop is closed")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    maker = Maker(asked.secret, asked.seed)
    if asked.rate:
        webhooks = maker.mixed(int(asked.rate * asked.seconds))
        result = open_loop(
            asked.url, webhooks, rate=asked.rate, connections=asked.connections, seconds=asked.seconds
        )
    else:
        webhooks = maker.mixed(int(8_000 * asked.seconds))
        result = closed_loop(asked.url, webhooks, connections=asked.connections, seconds=asked.seconds)
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    main()

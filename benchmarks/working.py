"""With the worker running: Meta's load for an 80-a-second number, memory meanwhile, slow clients, and a backlog."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil

from benchmarks.figures import Figure, at_least, at_most
from benchmarks.load import closed_loop, open_loop, percentile
from tests.load.bodies import Maker
from tests.load.books import Books
from tests.load.gateway import APP_SECRET, Gateway, running
from tests.load.senders import PATH
from tests.load.slow_clients import probe, slow_clients
from tests.load.varied import VariedMaker

RATE = 320
SLOW_CLIENTS = 300


def measure(directory: Path, database_url: str, seconds: float) -> list[Figure]:
    """The embedded tree: answers and normalising at 320/s, `/healthz` beside slow clients, memory at the end."""
    with running(Gateway(directory, database_url=database_url)) as gateway:
        url = gateway.url + PATH
        closed_loop(url, Maker(APP_SECRET, 30).mixed(500), connections=8, seconds=5)
        books = Books(gateway)
        books.wait_settled()
        before = books.count("events")
        webhooks = Maker(APP_SECRET, 31).mixed(int(RATE * seconds))
        result = open_loop(url, webhooks, rate=RATE, connections=64, seconds=seconds)
        books.wait_settled()
        lags = _lags(books, before)
        with slow_clients(gateway.port, SLOW_CLIENTS):
            probes = sorted(probe(gateway.port, "/healthz", seconds=min(seconds, 8)))
        memory = _memory(gateway)
    return [
        at_most(f"p50, {RATE}/s, worker running", 5, result.p50),
        at_most(f"p99, {RATE}/s, worker running", 50, result.p99),
        at_most(f"refused or unanswered, {RATE}/s", 0, result.non_2xx + result.errors, ""),
        at_most(f"normalised within, p99, {RATE}/s", 250, percentile(lags, 0.99)),
        Figure(f"normalised within, p50, {RATE}/s", round(percentile(lags, 0.5), 2), "ms"),
        at_most(f"/healthz, p99, beside {SLOW_CLIENTS} slow clients", 100, percentile(probes, 0.99)),
        *memory,
    ]


def backlog(directory: Path, database_url: str, items: int) -> list[Figure]:
    """Keep `items` of all kinds while no worker runs, then let one worker process work them off."""
    with running(Gateway(directory, {"WORKER": "external"}, database_url=database_url)) as gateway:
        webhooks = VariedMaker(APP_SECRET, 40).varied(items)
        closed_loop(gateway.url + PATH, webhooks, connections=16, seconds=300)
        books = Books(gateway)
        kept = books.count("notifications")
        gateway.start_worker()
        books.wait_settled()
        done, first, last = books.rows(
            "SELECT sum(items), min(processed_at), max(processed_at) FROM notifications WHERE state = 'processed'"
        )[0]
    milliseconds = _milliseconds(first, last)
    rate = done / milliseconds * 1000 if milliseconds else 0.0
    return [
        at_least("backlog of all kinds, one worker process", 1_500, rate, "/s"),
        at_most("backlog items not worked off", 0, kept - done, ""),
    ]


def _lags(books: Books, skip: int) -> list[float]:
    """Milliseconds from a webhook's arrival to its event's row, ascending, without the first `skip` events."""
    rows = books.rows(f"SELECT received_at, created_at FROM events ORDER BY sequence LIMIT 1000000 OFFSET {skip}")
    return sorted(_milliseconds(came, made) for came, made in rows)


def _milliseconds(first: Any, last: Any) -> float:
    """Between two times as they are kept: as such by PostgreSQL, as microseconds by SQLite."""
    apart = last - first
    return float(apart.total_seconds() * 1000 if isinstance(apart, timedelta) else apart / 1000)


def _memory(gateway: Gateway) -> list[Figure]:
    time.sleep(1)
    web = {process.pid for process in gateway.web_workers()}
    sizes = {process.pid: _pss_megabytes(process) for process in gateway.processes()}
    return [
        at_most("memory (PSS), largest web worker", 100, max(sizes[pid] for pid in web), "MB"),
        at_most("memory (PSS), whole tree", 300, sum(sizes.values()), "MB"),
        Figure("memory (PSS), all but web workers", sum(sizes.values()) - sum(sizes[pid] for pid in web), "MB"),
    ]


def _pss_megabytes(process: psutil.Process) -> float:
    """A process's share of memory, pages used by several counted in parts (`/proc/<pid>/smaps_rollup`)."""
    for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0

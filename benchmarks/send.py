"""How fast and how evenly messages are sent: every figure of the design in one run.

    python -m benchmarks.send [--quick] [--only waiting,rate,80,1000,reply] [--waiting 100000]
        [--database-url postgresql://postgres@127.0.0.1/postgres]

Needs nginx, which stands in for Graph; it starts and stops everything itself. Leave the machine alone meanwhile: all
sides share its cores.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import requests

from app import migrations
from app.db.database import Database
from benchmarks.campaign import wait_in_queue
from benchmarks.figures import HEADING, Figure, at_least, at_most, middle
from benchmarks.load import percentile
from benchmarks.stand_in import StandIn, busiest_second, standing_in
from tests.load.gateway import API_KEY, Gateway, running
from tests.load.postgres import own_database

NUMBER = "700100200300400"
OTHERS = ("700100200300401", "700100200300402", "700100200300403")
THREADS = 32
HEADERS = {"Authorization": f"Bearer {API_KEY}"}
DatabaseUrl = Callable[[], str]
TURNS = 4


def _gateway(directory: Path, graph: StandIn, database_url: str, rate: float) -> Gateway:
    extra = {
        "WORKER": "external", "GRAPH_API_URL": graph.url, "MESSAGES_PER_SECOND": f"{rate:g}",
        "WORKER_THREADS": str(THREADS), "LOG_LEVEL": "WARNING",
    }  # fmt: skip
    return Gateway(directory, extra, database_url=database_url)


def queue_sends(gateway: Gateway, number: str, count: int, *, first: int = 0, priority: str = "bulk") -> None:
    """Have a gateway queue texts of one number to as many recipients, from the one numbered `first`.

    They are others than those who write in `tests.load.bodies`: who wrote days ago gets no text any more.
    """
    for start in range(first, first + count, 1000):
        messages = [
            {"to": f"+34{650_000_000 + each}", "message": "Hola"}
            for each in range(start, min(start + 1000, first + count))
        ]
        body = {"messages": messages, "phone_number_id": number, "priority": priority}
        answer = requests.post(f"{gateway.url}/api/messages/bulk", json=body, headers=HEADERS, timeout=120)
        assert all(each["success"] for each in answer.json()["data"]), answer.text[:500]


def _wait_for(graph: StandIn, count: int, seconds: float, number: str = "") -> list[float]:
    until = time.monotonic() + seconds
    while len(found := graph.arrivals(number)) < count and time.monotonic() < until:
        time.sleep(0.25)
    return found


def throughput(directory: Path, graph: StandIn, database_url: DatabaseUrl, count: int, rounds: int) -> list[Figure]:
    """One worker working off a queue, against one process that only posts, and against two; in turn.

    A worker posts in one process too, and keeps books in another: two that only post have as many.
    """
    bare, two, ours = [], [], []
    with running(_gateway(directory, graph, database_url(), 1000)) as gateway:
        for number in OTHERS:
            gateway.flask("numbers", "add", number)
        time.sleep(5)  # until every process knows them
        for round_ in range(rounds):
            bare.append(_bare(graph, count, 1))
            two.append(_bare(graph, count, 2))
            graph.forget()
            numbers = (NUMBER, *OTHERS)
            for number in numbers:
                queue_sends(gateway, number, count // len(numbers), first=round_ * count)
            worker = gateway.start_worker()
            arrivals = _wait_for(graph, count, 120)
            worker.terminate()
            worker.wait(40)
            ours.append((len(arrivals) - 1) / (arrivals[-1] - arrivals[0]))
    return [
        Figure("bare requests.Session, sends", middle(bare), "/s"),
        Figure("queued sends", middle(ours), "/s"),
        at_least("queued ÷ bare requests.Session", 0.9, _ratio(ours, bare)),
        Figure("queued ÷ two processes that only post, sharing the threads", _ratio(ours, two), ""),
        graph.headroom(max(*bare, *two, *ours)),
    ]


def _bare(graph: StandIn, count: int, processes: int) -> float:
    each = [str(count // processes), str(THREADS // processes)]
    command = [sys.executable, "-m", "benchmarks.bare_sends", graph.url, *each]
    running_ = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    times = [process.communicate(timeout=120)[0].split() for process in running_]
    return count / (max(float(end) for _, end in times) - min(float(start) for start, _ in times))


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return middle(mine / other for mine, other in zip(ours, theirs, strict=True))


def pacing(directory: Path, graph: StandIn, database_url: DatabaseUrl, rate: float, seconds: float) -> list[Figure]:
    """Two workers keep one limit."""
    graph.forget()
    count = int(rate * seconds)
    with running(_gateway(directory, graph, database_url(), rate)) as gateway:
        queue_sends(gateway, NUMBER, count)
        for _ in range(2):
            gateway.start_worker()
        arrivals = _wait_for(graph, count, seconds * 3 + 20)
    used = (len(arrivals) - 1) / (arrivals[-1] - arrivals[0]) / rate
    return [
        at_most(f"busiest second ÷ limit, {rate:g}/s, two workers", 1.02, busiest_second(arrivals) / rate, ""),
        at_least(f"limit used, {rate:g}/s", 0.95, used),
    ]


def waiting_caller(directory: Path, graph: StandIn, database_url: DatabaseUrl, count: int) -> list[Figure]:
    """A caller who waits for Graph's answer, against calling Graph oneself; in turn."""
    ours, theirs = [], []
    with running(_gateway(directory, graph, database_url(), 1000)) as gateway, requests.Session() as session:
        session.trust_env = False
        for number in range(count):
            body = {"to": f"+34{600_000_000 + number}", "message": "Hola"}
            started = time.perf_counter()
            session.post(f"{gateway.url}/send/whatsapp", json=body, headers=HEADERS, timeout=10).raise_for_status()
            ours.append(time.perf_counter() - started)
            started = time.perf_counter()
            session.post(f"{graph.url}/v26.0/{NUMBER}/messages", json=body, timeout=10).raise_for_status()
            theirs.append(time.perf_counter() - started)
    return [at_most("a waiting send adds, p50", 5, (middle(ours) - middle(theirs)) * 1000)]


def overtaking(
    directory: Path, graph: StandIn, database_url: DatabaseUrl, waiting: int, replies: int
) -> Iterator[Figure]:
    """How long a queued reply takes while another number has a campaign waiting, against an idle queue; in turn."""
    idle = _gateway(directory / "idle", graph, database_url(), 80)
    busy = _gateway(directory / "busy", graph, database_url(), 80)
    busy.directory.mkdir(parents=True)
    database = Database(busy.database_url)
    migrations.upgrade(database)
    wait_in_queue(database, NUMBER, waiting)
    database.dispose()
    took: dict[str, list[float]] = {OTHERS[0]: [], OTHERS[1]: []}
    with running(idle), running(busy):
        for gateway, number in ((idle, OTHERS[0]), (busy, OTHERS[1])):
            gateway.flask("numbers", "add", number)
            time.sleep(5)
            gateway.start_worker()
            _reply_times(gateway, graph, number, 20, 0)  # until the worker is there
        for turn in range(TURNS):
            for gateway, number in ((idle, OTHERS[0]), (busy, OTHERS[1])):
                took[number] += _reply_times(gateway, graph, number, replies // TURNS, 100 + turn * replies)
    alone, beside = (percentile(sorted(each), 0.99) * 1000 for each in took.values())
    yield Figure("a queued reply, p99, nothing else waits", alone, "ms")
    yield Figure(f"a queued reply, p99, {waiting:,} wait for another number", beside, "ms")
    yield at_most("the second ÷ the first", 1.2, beside / alone, "")


def _reply_times(gateway: Gateway, graph: StandIn, phone_number_id: str, count: int, first: int) -> list[float]:
    before = len(graph.arrivals(phone_number_id))
    asked = []
    with requests.Session() as session:
        for number in range(first, first + count):
            body = {
                "to": f"+34{700_000_000 + number}", "message": "Hola", "mode": "queued", "priority": "reply",
                "phone_number_id": phone_number_id,
            }  # fmt: skip
            asked.append(time.time())
            session.post(f"{gateway.url}/send/whatsapp", json=body, headers=HEADERS, timeout=10).raise_for_status()
            time.sleep(0.05)
    came = _wait_for(graph, before + count, 30, phone_number_id)[before:]
    return [arrival - ask for arrival, ask in zip(came, asked, strict=True)]


PARTS = ("waiting", "rate", "80", "1000", "reply")


def main() -> int:
    """Print the table; the exit code is 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of the time, for a first impression")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--waiting", type=int, default=100_000, help="messages of the campaign that replies overtake")
    parser.add_argument("--database-url", help="a PostgreSQL server to make databases on; without it SQLite")
    parser.add_argument("--json", type=Path, help="write every figure to this file, too")
    asked = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}, {asked.database_url or 'SQLite'}\n\n{HEADING}")
    os.environ.setdefault("NO_PROXY", "127.0.0.1")
    figures: list[Figure] = []
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        graph = stack.enter_context(standing_in(directory / "nginx"))

        def database_url() -> str:
            return stack.enter_context(own_database(asked.database_url)) if asked.database_url else ""

        quick = 5 if asked.quick else 1
        parts: list[Callable[[], list[Figure]]] = [
            lambda: waiting_caller(directory / "sync", graph, database_url, 500 // quick),
            lambda: throughput(directory / "rate", graph, database_url, 8_000 // quick, 2 if asked.quick else 5),
            lambda: pacing(directory / "80", graph, database_url, 80, 30 / quick),
            lambda: pacing(directory / "1000", graph, database_url, 1000, 15 / quick),
            lambda: list(overtaking(directory / "reply", graph, database_url, asked.waiting // quick, 400 // quick)),
        ]
        for name, part in zip(PARTS, parts, strict=True):
            for figure in part() if name in asked.only.split(",") else ():
                figures.append(figure)
                print(figure.as_line(), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps([figure.as_json() for figure in figures], indent=2) + "\n")
    return 1 if any(figure.is_met is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())

"""What customers' files cost the way of a webhook: processor time of the web process, with files and without.

    python -m benchmarks.media_ingest [--pairs 5] [--seconds 3] [--rate 320] [--database-url postgresql://…]

One gateway with its worker, and nginx in Meta's place. In turn: webhooks at a fixed rate without files, and the same
with a file of 200 KB in every tenth, which the worker fetches and keeps meanwhile. Processor time is the figure to
compare on a machine with other work; latencies are shown beside it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.figures import HEADING, Figure, at_most, middle
from benchmarks.load import Result, open_loop
from benchmarks.media import EVERY, FileMaker, file_server
from tests.load.bodies import Webhook
from tests.load.books import Books
from tests.load.gateway import Gateway, running
from tests.load.postgres import own_database
from tests.load.senders import PATH

MOST_MORE = 1.05
"""A webhook with a file has a longer body, and one row more is written by the worker."""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rate", type=int, default=320)
    parser.add_argument("--database-url", help="a PostgreSQL server to make a database on; without it SQLite")
    asked = parser.parse_args()
    with ExitStack() as stack:
        url = stack.enter_context(own_database(asked.database_url)) if asked.database_url else ""
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        meta, digests = stack.enter_context(file_server(folder / "meta"))
        (folder / "gateway").mkdir()
        settings = {"GRAPH_API_URL": meta, "WEB_CONCURRENCY": "1"}
        gateway = stack.enter_context(running(Gateway(folder / "gateway", settings, database_url=url)))
        maker, count = FileMaker(41, meta, digests), int(asked.rate * asked.seconds)
        _window(gateway, maker.mixed(count), asked.rate, asked.seconds)
        plain, with_files = [], []
        for _ in range(asked.pairs):
            plain.append(_window(gateway, maker.mixed(count), asked.rate, asked.seconds))
            with_files.append(_window(gateway, maker.with_pictures(count), asked.rate, asked.seconds))
        print(HEADING)
        for figure in _figures(plain, with_files):
            print(figure.as_line())
        stored = Books(gateway).count("media", "state = 'stored'")
        print(at_most("files not stored", 0, asked.pairs * -(-count // EVERY) - stored, "").as_line())


def _window(
    gateway: Gateway, webhooks: Iterator[Webhook], rate: int, seconds: float
) -> tuple[float, float, Result]:  # fmt: skip
    """Return milliseconds of processor time per webhook of the web process and of the worker, and what was answered."""
    made, books = list(webhooks), Books(gateway)
    processes = gateway.web_workers(), gateway.job_workers()
    before = [sum(sum(each.cpu_times()[:2]) for each in some) for some in processes]
    result = open_loop(gateway.url + PATH, made, rate=rate, connections=64, seconds=seconds)
    web = sum(sum(each.cpu_times()[:2]) for each in processes[0]) - before[0]
    books.wait_settled()
    until = time.monotonic() + 60
    while books.count("media", "state = 'pending'") and time.monotonic() < until:
        time.sleep(0.1)
    worker = sum(sum(each.cpu_times()[:2]) for each in processes[1]) - before[1]
    if not result.is_clean:
        raise RuntimeError(f"{result.non_2xx} refused, {result.errors} broken: {gateway.tail(800)}")
    return web / result.requests * 1000, worker / result.requests * 1000, result


def _figures(
    plain: list[tuple[float, float, Result]], with_files: list[tuple[float, float, Result]]
) -> Iterator[Figure]:  # fmt: skip
    for name, windows in (("without files", plain), ("a tenth with files", with_files)):
        yield Figure(f"web process, {name}", round(middle(web for web, _, _ in windows), 3), "ms")
        yield Figure(f"worker, {name}", round(middle(worker for _, worker, _ in windows), 3), "ms")
        yield Figure(f"answered, p50, {name}", middle(each.p50 for _, _, each in windows), "ms")
        yield Figure(f"answered, p99, {name}", middle(each.p99 for _, _, each in windows), "ms")
    ratio = middle(one[0] / other[0] for one, other in zip(with_files, plain, strict=True))
    yield at_most("processor time of the web process, with ÷ without", MOST_MORE, ratio, "")


if __name__ == "__main__":
    main()

"""How long `db copy` takes from SQLite to PostgreSQL, step by step.

    python -m benchmarks.copying [--messages 1000000]
    python -m benchmarks.copying --at sqlite:////var/tmp/many.db --make

The target is a server of its own in a temporary folder. With `--at` the source stays: `--make` only makes it, so that
it can be made before the machine is quiet. Processor time hardly depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psutil

from app import migrations
from app.clock import utc_now
from app.db.database import Database
from app.services.backups.copy_to_postgresql import copy_to_postgresql
from benchmarks.figures import HEADING, Figure, at_most
from benchmarks.lists.data import Data
from tests.load.postgres import own_server

TARGET_SECONDS = 120.0
NAMES = ("by the clock", "CPU of the command", "CPU of the server")


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--at", metavar="URL", help="a SQLite database that is kept")
    parser.add_argument("--make", action="store_true", help="only make the data, at that URL")
    asked = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        source = Database(asked.at or f"sqlite:///{directory}/many.db")
        stack.callback(source.dispose)
        if asked.make or not asked.at:
            migrations.upgrade(source)
            Data(asked.messages).load(source, findable=True)
        if asked.make:
            return
        server = stack.enter_context(own_server())
        assert server.process is not None
        target = Database(server.url)
        stack.callback(target.dispose)
        print(HEADING)
        for figure in _copy(source, target, psutil.Process(server.process.pid)):
            print(figure.as_line())


def _copy(source: Database, target: Database, server: psutil.Process) -> list[Figure]:
    ends: dict[str, tuple[float, float, float]] = {}
    ours = psutil.Process()

    def report(step: str, _done: int, _whole: int) -> None:
        ends[step] = (time.monotonic(), _seconds(ours), _spent(server))

    started = last = (time.monotonic(), _seconds(ours), _spent(server))
    copied = copy_to_postgresql(source, target, utc_now(), report)
    assert not copied.problems, copied.problems[:5]
    took = time.monotonic() - started[0]
    rows, messages = sum(copied.rows.values()), copied.rows["messages"]
    figures = []
    for step, end in (*ends.items(), ("everything", (time.monotonic(), _seconds(ours), _spent(server)))):
        first = started if step == "everything" else last
        figures += [
            Figure(f"{step}: {name}", round(after - before, 1), "s")
            for name, before, after in zip(NAMES, first, end, strict=True)
        ]
        last = end
    target_seconds = TARGET_SECONDS * messages / 1_000_000
    return [*figures, at_most(f"{messages:,} messages, {rows:,} rows", target_seconds, took, "s")]


def _spent(process: psutil.Process) -> float:
    """Seconds of CPU of a process, and of all of its children, those that have ended too."""
    alive = sum(_seconds(child) for child in process.children(recursive=True))
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system + alive)


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # it is among the times of its parent's children by now
        return 0.0
    return float(times.user + times.system)


if __name__ == "__main__":
    main()

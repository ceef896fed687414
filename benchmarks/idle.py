"""What a worker costs that has nothing to do, in per cent of a core, with the process that makes its calls.

    python -m benchmarks.idle [--seconds 15] [--database-url postgresql://postgres@127.0.0.1/postgres]

With PostgreSQL also what all of its server's processes took meanwhile: leave the server alone.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psutil

from benchmarks.figures import HEADING, Figure
from tests.load.gateway import Gateway, running
from tests.load.postgres import own_database

SETTLED_SECONDS = 6.0


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--database-url", help="a PostgreSQL server to make a database on; without it SQLite")
    asked = parser.parse_args()
    with ExitStack() as stack:
        url = stack.enter_context(own_database(asked.database_url)) if asked.database_url else ""
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        gateway = stack.enter_context(running(Gateway(directory, {"WORKER": "external"}, database_url=url)))
        worker = psutil.Process(gateway.start_worker().pid)
        time.sleep(SETTLED_SECONDS)
        groups = {"worker": [worker], "the process that makes its calls": worker.children()}
        if url:
            groups["PostgreSQL"] = [each for each in psutil.process_iter(["name"]) if each.info["name"] == "postgres"]
        before = {name: _spent(processes) for name, processes in groups.items()}
        time.sleep(asked.seconds)
        print(HEADING)
        for name, processes in groups.items():
            print(Figure(f"idle: {name}", (_spent(processes) - before[name]) / asked.seconds * 100, "%").as_line())


def _spent(processes: list[psutil.Process]) -> float:
    return sum(sum(each.cpu_times()[:2]) for each in processes if each.is_running())


if __name__ == "__main__":
    main()

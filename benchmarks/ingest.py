"""How fast webhooks are taken in: every figure of the design in one run.

    python -m benchmarks.ingest [--quick] [--database-url postgresql://postgres@127.0.0.1:5432/postgres] [--json FILE]

Needs nothing else running: it starts and stops its own gateways. SQLite files live in a temporary folder (`TMPDIR`),
which should be on the disk you mean to use. With `--database-url`, each gateway gets a database of its own on that
server, dropped afterwards. Leave the machine alone meanwhile: the load generator shares its cores.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks import slow_disk, throughput, working
from benchmarks.figures import HEADING, Figure
from tests.load.postgres import own_database


def run(directory: Path, database_url: Callable[[], str], *, quick: bool, slow: bool) -> Iterator[Figure]:
    """Measure everything, part by part."""
    rounds, seconds, items = (2, 2.0, 4_000) if quick else (5, 4.0, 15_000)
    yield from throughput.measure(directory / "throughput", database_url, rounds, seconds)
    yield from working.measure(directory / "working", database_url(), seconds * 5)
    yield from working.backlog(directory / "backlog", database_url(), items)
    if slow:
        yield from slow_disk.measure(directory / "slow", seconds * 2)


def main() -> int:
    """Print the table; the exit code is 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of the time, for a first impression")
    parser.add_argument("--database-url", help="a PostgreSQL server to make databases on; without it SQLite")
    parser.add_argument("--json", type=Path, help="write every figure to this file, too")
    asked = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}, {asked.database_url or 'SQLite'}\n\n{HEADING}")
    figures = []
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))

        def database_url() -> str:
            return stack.enter_context(own_database(asked.database_url)) if asked.database_url else ""

        # The slow disk is SQLite's: the shim would have to be preloaded into PostgreSQL's server.
        for figure in run(directory, database_url, quick=asked.quick, slow=not asked.database_url):
            figures.append(figure)
            print(figure.as_line(), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps([figure.as_json() for figure in figures], indent=2) + "\n")
    return 1 if any(figure.is_met is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())

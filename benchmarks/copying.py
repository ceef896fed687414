"""How long `db copy` takes from SQLite to PostgreSQL, step by step.

    python -m benchmarks.copying --database-url postgresql://postgres@127.0.0.1/postgres [--messages 1000000]
    python -m benchmarks.copying --at sqlite:////var/tmp/many.db --make

The target is a database of its own on that server, dropped afterwards. With `--at` the source stays: `--make` only
makes it, so that it can be made before the machine is quiet. Processor time is that of the command, without the server.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from app import migrations
from app.clock import utc_now
from app.db.database import Database
from app.services.backups.copy_to_postgresql import copy_to_postgresql
from benchmarks.figures import HEADING, Figure, at_most
from benchmarks.lists.data import Data
from tests.load.postgres import SERVER, own_database

TARGET_SECONDS = 120.0


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--database-url", default=SERVER, help="a PostgreSQL server to make a database on")
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
        target = Database(stack.enter_context(own_database(asked.database_url)))
        stack.callback(target.dispose)
        print(HEADING)
        for figure in _copy(source, target):
            print(figure.as_line())


def _copy(source: Database, target: Database) -> list[Figure]:
    ends: dict[str, float] = {}

    def report(step: str, _done: int, _whole: int) -> None:
        ends[step] = time.monotonic()

    started, before = time.monotonic(), _spent()
    copied = copy_to_postgresql(source, target, utc_now(), report)
    took, spent = time.monotonic() - started, _spent() - before
    assert not copied.problems, copied.problems
    figures, last = [], started
    for step, end in ends.items():
        figures.append(Figure(f"until the last of {step}", round(end - last, 1), "s"))
        last = end
    rows, messages = sum(copied.rows.values()), copied.rows["messages"]
    return [
        *figures,
        Figure("processor time of the command", round(spent, 1), "s"),
        at_most(f"{messages:,} messages, {rows:,} rows", TARGET_SECONDS * messages / 1_000_000, took, "s"),
    ]


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()

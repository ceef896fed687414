"""Webhooks while a worker prunes a million messages.

    python -m benchmarks.retention [--messages 1000000] [--pairs 5] [--seconds 10] [--database-url postgresql://…]

Webhooks come at a fixed rate, in turn beside a worker that keeps everything and beside one that prunes everything.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, update

from app import migrations
from app.clock import utc_now
from app.db.database import Database
from app.models import Message, Upkeep, WorkerSeen
from app.services.messages import index_contacts
from app.store.retention import PRUNED
from benchmarks.figures import HEADING, Figure, at_most, middle
from benchmarks.lists.data import Data
from benchmarks.load import Run
from tests.load.bodies import Maker
from tests.load.connection import raw_request
from tests.load.gateway import APP_SECRET, Gateway, running
from tests.load.postgres import own_database

RATE, SETTLED_SECONDS = 100, 4.0
KEEPING = {
    "RETENTION_NOTIFICATIONS_DAYS": "0", "RETENTION_MESSAGES_DAYS": "0", "RETENTION_ATTEMPTS_DAYS": "0",
    "RETENTION_EVENTS_DAYS": "0",
}  # fmt: skip
PRUNING = {
    "RETENTION_NOTIFICATIONS_DAYS": "8", "RETENTION_MESSAGES_DAYS": "8", "RETENTION_ATTEMPTS_DAYS": "8",
    "RETENTION_EVENTS_DAYS": "0",
}  # fmt: skip


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--database-url", help="a PostgreSQL server to make a database on; without it SQLite")
    asked = parser.parse_args()
    with ExitStack() as stack:
        url = stack.enter_context(own_database(asked.database_url)) if asked.database_url else ""
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        gateway = Gateway(directory, {"WORKER": "external", "WEB_CONCURRENCY": "1"}, database_url=url)
        database = Database(gateway.database_url)
        stack.callback(database.dispose)
        _fill(database, asked.messages)
        stack.enter_context(running(gateway))
        maker = Maker(APP_SECRET, 31, timestamp=int(time.time()))
        kept, pruned = [], []
        for _ in range(asked.pairs):
            kept.append(_beside_worker(gateway, database, maker, KEEPING, asked.seconds))
            pruned.append(_beside_worker(gateway, database, maker, PRUNING, asked.seconds))
        with database.read() as session:
            done = session.scalar(select(func.count()).select_from(Message).where(Message.message == PRUNED)) or 0
        rate = done / (asked.pairs * (asked.seconds + SETTLED_SECONDS))
        print(HEADING)
        print(Figure("webhook p99, nothing is pruned", middle(kept), "ms").as_line())
        print(Figure("webhook p99 while a worker prunes", middle(pruned), "ms").as_line())
        print(at_most("the second over the first", 1.2, middle(pruned) / middle(kept), "").as_line())
        print(Figure("messages pruned", rate, "/s").as_line())


def _fill(database: Database, messages: int) -> None:
    started = time.monotonic()
    migrations.upgrade(database)
    Data(messages).load(database, findable=True)
    while index_contacts(database):
        pass
    print(f"{messages:,} messages made and indexed in {time.monotonic() - started:.0f} s", flush=True)


def _until_it_works(
    gateway: Gateway, worker: subprocess.Popen[bytes], database: Database, started_at: datetime
) -> None:  # fmt: skip
    until = time.monotonic() + 180
    while time.monotonic() < until:
        with database.read() as session:
            if session.scalar(select(func.count()).select_from(WorkerSeen).where(WorkerSeen.joined_at >= started_at)):
                return
        if worker.poll() is not None:
            raise RuntimeError(f"the worker ended with {worker.returncode}: {gateway.tail(2000)}")
        time.sleep(0.1)
    raise TimeoutError("no worker came up")


def _beside_worker(
    gateway: Gateway, database: Database, maker: Maker, retention: dict[str, str], seconds: float
) -> float:  # fmt: skip
    """Return the p99 in milliseconds of webhooks beside a worker with these settings."""
    gateway.extra = {**gateway.extra, **retention}
    started_at = utc_now()
    with database.write() as session:  # the worker before need not be waited for: its turn is over
        session.execute(update(Upkeep).where(Upkeep.name == "retention").values(at=started_at - timedelta(hours=1)))
    worker = gateway.start_worker()
    _until_it_works(gateway, worker, database, started_at)
    time.sleep(SETTLED_SECONDS)
    url = f"{gateway.url}/webhook/whatsapp"
    webhooks = maker.mixed(int(RATE * seconds))
    result = Run(url, (raw_request(url, each) for each in webhooks), 8).open(RATE, seconds)
    worker.terminate()
    worker.wait(30)
    gateway.workers.remove(worker)
    return result.p99 if result.is_clean else float("inf")


if __name__ == "__main__":
    main()

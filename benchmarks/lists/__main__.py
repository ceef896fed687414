"""Lists and searches among very many messages: how long each takes, and how the database finds its rows.

    python -m benchmarks.lists [--messages 1000000] [--database-url postgresql://postgres@127.0.0.1:5432/postgres]
    python -m benchmarks.lists --at sqlite:////tmp/lists.db [--make]

Makes the data in a database of its own (SQLite in a temporary folder, or one on that server, dropped afterwards), asks
every list with every filter over the WSGI application, and prints p99 in milliseconds; beside the name p50 and p99 of
CPU time, which is the figure to compare on a machine with other work. With `--at` the data stays: `--make` makes it in
that empty database, and without `--make` it is there already, so that it can be made before the machine is quiet. With
`--plans` also what EXPLAIN says of each statement, with `--only WORD` only cases with that word in their name. The exit
code is 1 when a p99 is above 100 ms.
"""

from __future__ import annotations

import argparse
import gc
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import event

from app import create_app, migrations
from app.config.settings import load_config
from app.container import Gateway
from app.db.database import Database
from app.services.messages.search_index import index_messages
from app.services.operations.traffic import CountTraffic
from benchmarks.figures import HEADING, at_least, at_most
from benchmarks.lists.cases import Case, all_cases
from benchmarks.lists.data import Data
from benchmarks.load import percentile
from tests.conftest import API_KEY, SETTINGS
from tests.load.postgres import own_database

TARGET_MILLISECONDS = 100
WORTH_COUNTING = 1_500
"""Messages a second that processing must reach: words must be written as fast."""


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--database-url", help="a PostgreSQL server to make a database on; without it SQLite")
    parser.add_argument("--at", metavar="URL", help="a database that is kept")
    parser.add_argument("--make", action="store_true", help="only make the data, at that URL")
    parser.add_argument("--only", default="", metavar="WORD")
    parser.add_argument("--requests", type=int, default=100, help="for each kind")
    parser.add_argument("--plans", action="store_true", help="show what EXPLAIN says")
    asked = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-lists-")))
        url = asked.at or ""
        if asked.database_url and not url:
            url = stack.enter_context(own_database(asked.database_url))
        app = create_app(
            load_config(
                SETTINGS | {"DATABASE_URL": url or f"sqlite:///{directory}/lists.db", "LOG_DIR": str(directory)}
            )
        )
        logging.disable(logging.WARNING)
        gateway: Gateway = app.extensions["gateway"]
        gc.freeze()  # as gunicorn.conf.py does
        stack.callback(gateway.database.dispose)
        data = Data(asked.messages)
        migrations.upgrade(gateway.database)
        if asked.make or not asked.at:
            _prepare(gateway.database, data)
        if asked.make:
            return 0
        cases = [case for case in all_cases(data) if asked.only in case.name]
        return _measure(app.test_client(), gateway.database, cases, asked.requests, asked.plans)


def _prepare(database: Database, data: Data) -> None:
    started = time.monotonic()
    data.load(database)
    print(f"{data.messages:,} messages made in {time.monotonic() - started:.0f} s\n\n{HEADING}", flush=True)
    started = time.monotonic()
    while index_messages(database):
        pass
    rate = data.messages / (time.monotonic() - started)
    count_traffic = CountTraffic(database)
    while count_traffic(datetime.now(UTC)):
        pass
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")  # as autovacuum does where it is on
    print(at_least("messages made findable", WORTH_COUNTING, rate, "/s").as_line(), flush=True)


def _measure(client: FlaskClient, database: Database, cases: list[Case], requests: int, plans: bool) -> int:
    missed = 0
    for case in cases[:1]:
        _ask(client, case)  # a process's first request loads and builds what every later one finds
    for case in cases:
        with _statements(database) as statements:
            asked = [_ask(client, case) for _ in range(requests)]
        took, busy = sorted(wall for wall, _ in asked), sorted(cpu for _, cpu in asked)
        p50, cpu = percentile(took, 0.5), percentile(busy, 0.99)
        figure = at_most(f"{case.name} (p50 {p50:.1f}, CPU {cpu:.1f})", TARGET_MILLISECONDS, percentile(took, 0.99))
        print(figure.as_line(), flush=True)
        missed += not figure.is_met
        if plans or not figure.is_met:
            for plan in _explain(database, statements):
                print(f"    {plan}")
    return 1 if missed else 0


def _ask(client: FlaskClient, case: Case) -> tuple[float, float]:
    """Milliseconds of one request, and of this process's CPU in it; with `pages`, of the last of so many."""
    query = dict(case.query())
    took = busy = 0.0
    for _ in range(query.pop("pages", 1)):
        started, cpu_started = time.perf_counter(), time.process_time()
        response = client.get(case.path, query_string=query, headers={"Authorization": f"Bearer {API_KEY}"})
        took, busy = (time.perf_counter() - started) * 1000, (time.process_time() - cpu_started) * 1000
        assert response.status_code == 200, response.get_data(as_text=True)
        query["cursor"] = (response.get_json() or {}).get("next_cursor") or query.get("cursor", "")
    return took, busy


@contextmanager
def _statements(database: Database) -> Iterator[dict[str, Any]]:
    """The statements that run meanwhile, each with the values of its last run."""
    seen: dict[str, Any] = {}

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "WITH")):
            seen[statement] = parameters

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def _explain(database: Database, statements: dict[str, Any]) -> Iterator[str]:
    word = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN (ANALYZE, COSTS OFF, TIMING ON, SUMMARY OFF)"
    with database.engine.connect() as connection:
        for statement, parameters in list(statements.items())[:4]:
            yield statement.replace("\n", " ")[-200:]
            for row in connection.exec_driver_sql(f"{word} {statement}", parameters):
                yield f"    {row[-1]}"


if __name__ == "__main__":
    sys.exit(main())

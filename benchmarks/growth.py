"""Bytes of disk that a message takes with all that belongs to it, table by table and index by index.

    python -m benchmarks.growth [--messages 1000] [--at-most 12] [--database-url postgresql://…]

A gateway with the simulator sends messages, of which each is reported as sent, delivered and read, and gets as many
from customers. Nothing is deleted, no app is told of events, and no file comes along. Everything takes the real way, so
indexes are as full as they become in use.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import psycopg

from tests.load.bodies import Maker
from tests.load.gateway import API_KEY, Gateway, running
from tests.load.postgres import own_database
from tests.load.senders import PATH

SECRET = "simulated-app-secret-of-growth"
SETTINGS = {
    "SIMULATOR": "1", "SIMULATOR_APP_SECRET": SECRET, "WHATSAPP_ACCESS_TOKEN": "", "WHATSAPP_APP_SECRET": "",
    "GRAPH_API_URL": "", "ECHO_BOT": "0", "LOG_LEVEL": "WARNING", "MESSAGES_PER_SECOND": "1000",
}  # fmt: skip
TEMPLATE = {"name": "hello_world", "language": {"code": "en_US"}}
PATIENCE_SECONDS = 90.0

_ON_SQLITE = "SELECT name, sum(pgsize) FROM dbstat WHERE name NOT LIKE 'sqlite_s%' GROUP BY name"
_ON_POSTGRESQL = """
SELECT relname, pg_relation_size(oid) + coalesce(pg_table_size(nullif(reltoastrelid, 0)), 0) FROM pg_class
WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace
"""


def main() -> None:
    """Measure, and print what grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1000, help="of each direction")
    parser.add_argument("--at-most", type=int, default=12, help="lines of a table")
    parser.add_argument("--database-url", help="a PostgreSQL server to make a database on; without it SQLite")
    asked = parser.parse_args()
    with ExitStack() as stack:
        url = stack.enter_context(own_database(asked.database_url)) if asked.database_url else ""
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        gateway = stack.enter_context(running(Gateway(directory, SETTINGS, database_url=url)))
        gateway.wait_simulator()
        begun = _sizes(gateway)
        _send(gateway, asked.messages)
        sent = _sizes(gateway)
        _receive(gateway, asked.messages)
        received = _sizes(gateway)
    _show("sent, with three statuses and their events", begun, sent, asked.messages, asked.at_most)
    _show("received, with its event", sent, received, asked.messages, asked.at_most)


def _send(gateway: Gateway, count: int) -> None:
    for number in range(count):
        body = {"to": f"+34600{number % 500:06d}", "type": "template", "template": TEMPLATE, "mode": "queued"}
        headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
        answer = gateway.request("POST", "/send/whatsapp", json.dumps(body).encode(), headers)
        if answer.status != 202:
            raise RuntimeError(f"{answer.status}: {answer.body!r}")
    _wait(gateway, "SELECT count(*) FROM messages WHERE status = 'read'", count)


def _receive(gateway: Gateway, count: int) -> None:
    before = _count(gateway, "SELECT count(*) FROM messages")
    maker = Maker(SECRET, int(time.time()))
    for _ in range(count):
        webhook = maker.one_text()
        answer = gateway.request("POST", PATH, webhook.body, webhook.headers)
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {answer.body!r}")
    _wait(gateway, "SELECT count(*) FROM messages", before + count)


def _wait(gateway: Gateway, query: str, wanted: int) -> None:
    """Wait until everything is as it will be, and the search index knows it."""
    until = time.monotonic() + PATIENCE_SECONDS
    while _count(gateway, query) < wanted or _count(gateway, "SELECT count(*) FROM unsearched_messages"):
        if time.monotonic() > until:
            raise RuntimeError(f"only {_count(gateway, query)} of {wanted}; {gateway.tail(500)}")
        time.sleep(0.5)


def _count(gateway: Gateway, query: str) -> int:
    return int(_rows(gateway, query)[0][0])


def _sizes(gateway: Gateway) -> dict[str, int]:
    return dict(_rows(gateway, _ON_SQLITE if gateway.database_url.startswith("sqlite") else _ON_POSTGRESQL))


def _rows(gateway: Gateway, query: str) -> list[tuple[str, int]]:
    if gateway.database_url.startswith("sqlite"):
        connection = sqlite3.connect(gateway.database_url.removeprefix("sqlite:///"))
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()
    with psycopg.connect(gateway.database_url, autocommit=True) as server:
        return server.execute(query.encode()).fetchall()


def _show(what: str, before: Mapping[str, int], after: Mapping[str, int], count: int, at_most: int) -> None:
    grown = {name: (size - before.get(name, 0)) / count for name, size in after.items()}
    print(f"\na message {what}: {sum(grown.values()):,.0f} bytes")
    for name, size in sorted(grown.items(), key=lambda each: -each[1])[:at_most]:
        print(f"  {size:8,.0f}  {name}")


if __name__ == "__main__":
    main()

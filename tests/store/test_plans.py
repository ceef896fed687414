"""Among many rows no statement of the hot paths reads a table from end to end: PostgreSQL's own plans say so.

What is explained is what the services executed, with their values. The lists and searches have a benchmark of their own
(`benchmarks.lists --plans`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Connection

from app.clock import utc_now
from app.container import Gateway
from app.db import statement_timeout
from app.db.database import Database
from app.services.messages import index_contacts, index_messages
from app.services.operations import CountTraffic, find_standstill
from app.store import deliveries, jobs
from tests.conftest import on_postgresql
from tests.drills.conftest import sized
from tests.factories import PNID, contact, message_body, status, status_body
from tests.factories import text as text_of

pytestmark = on_postgresql

ROWS = sized(4_000, 1_000_000)
"""Enough for PostgreSQL to prefer an index wherever one serves; a million with `DRILL=long`."""

FEW_PAGES = 10.0
"""In PostgreSQL's unit of cost, a page that is read in order."""

BIG = {
    "messages", "events", "notifications", "deliveries", "delivery_attempts", "jobs", "queued_sends", "send_attempts",
    "status_reports", "contacts", "contact_aliases", "message_documents",
}  # fmt: skip
LEASE = timedelta(seconds=30)
ID = "lpad(to_hex(n), 32, '0')"
FILL = f"""
INSERT INTO contacts (id, wa_id, name, event_count, created_at, updated_at)
    SELECT {ID}, 'w' || n, 'N', 1, now(), now() FROM generate_series(1, {{rows}}) n;
INSERT INTO contact_aliases (kind, value, app, contact_id)
    SELECT 'wa_id', 'w' || n, '', {ID} FROM generate_series(1, {{rows}}) n;
INSERT INTO messages (id, direction, phone_number_id, wamid, contact_id, recipient, message_type, message, content,
                      status, source, flags, timestamp, received_at, updated_at)
    SELECT {ID}, 'outbound', '{PNID}', 'wamid.' || n, {ID}, '+' || n, 'text', 'x', '{{{{}}}}', 'queued', 'live', '[]',
           now(), now(), now() FROM generate_series(1, {{rows}}) n;
INSERT INTO queued_sends (message_id, phone_number_id, recipient, lane, attempt, refusals, wanted_at, due_at,
                          expires_at)
    SELECT id, phone_number_id, recipient, 2, 2, 0, now(), now() - interval '1 minute', now() + interval '1 day'
    FROM messages;
INSERT INTO send_attempts (message_id, number, state, wamid, started_at)
    SELECT id, 1, 'accepted', wamid, now() FROM messages;
INSERT INTO status_reports (wamid, phone_number_id, status, participant, timestamp, received_at)
    SELECT wamid, phone_number_id, 'sent', '', now(), now() FROM messages;
INSERT INTO notifications (id, received_at, raw, verified_by, state, request_id, processed_at, items)
    SELECT {ID}, now(), 'x', 'default', 'processed', 'r', now(), 1 FROM generate_series(1, {{rows}}) n;
INSERT INTO events (id, type, source, phone_number_id, contact_id, contact_sequence, message_id, notification_id,
                    position, timestamp, received_at, created_at, data)
    SELECT {ID}, 'message.received', 'live', '{PNID}', {ID}, 1, {ID}, {ID}, 0, now(), now(), now(), '{{{{}}}}'
    FROM generate_series(1, {{rows}}) n;
INSERT INTO endpoints (id, url, format, secret, ordered, replies, paused, failures, opens, created_at, updated_at)
    VALUES ('e', 'https://app.example/', 'event', '', true, false, false, 0, 0, now(), now());
INSERT INTO deliveries (endpoint_id, event_id, contact_id, state, is_replay, due_at, attempts, created_at)
    SELECT 'e', {ID}, {ID}, CASE WHEN mod(n, 20) = 0 THEN 'pending' ELSE 'delivered' END, false,
           now() - interval '20 minutes', 0, now() FROM generate_series(1, {{rows}}) n;
INSERT INTO jobs (kind, subject_id, due_at, attempts, created_at)
    SELECT CASE WHEN mod(n, 2) = 0 THEN 'process' ELSE 'media' END, {ID}, now() + interval '20 seconds', 0, now()
    FROM generate_series(1, {{rows}}) n;
ANALYZE;
"""


@pytest.fixture
def many(database: Database) -> Database:
    """A database with thousands of rows in every large table; the sends are one number's bulk."""
    run(database, FILL.format(rows=ROWS))
    return database


def run(database: Database, statements: str) -> None:
    """Execute statements, each of which ends with `;` at the end of a line, and commit each."""
    engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
    with statement_timeout.of(None), engine.connect() as connection:
        for statement in statements.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)


@contextmanager
def noted(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are executed meanwhile, with their values."""
    found: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        if not many and statement.lstrip().split()[0] in {"SELECT", "UPDATE", "DELETE", "WITH", "(SELECT"}:
            found.append((statement, values))

    engines = {database.engine, database._rows_engine, database._look_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield found
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def read_whole(connection: Connection, statement: str, values: Any) -> set[str]:
    """Which large tables PostgreSQL would read from end to end for a statement."""
    (plan,) = connection.exec_driver_sql("EXPLAIN (FORMAT JSON) " + statement, values).scalar_one()
    found: set[str] = set()
    if plan["Plan"]["Total Cost"] < FEW_PAGES:
        return found  # an EXISTS that ends at the first of many rows

    def look(node: dict[str, Any]) -> None:
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in BIG:
            found.add(node["Relation Name"])
        for each in node.get("Plans", ()):
            look(each)

    look(plan["Plan"])
    return found


def test_no_hot_statement_reads_a_table_from_end_to_end(
    many: Database, gateway: Gateway, receive: Callable[..., None]
) -> None:
    now = utc_now()
    with noted(many) as statements:
        receive(
            *(message_body(text_of(sender=f"54911000{n}")) for n in range(3)),
            status_body(status("wamid.7", "sent"), status("wamid.8", "delivered")),
        )
        assert gateway.sends.exchange([], 8)
        jobs.any_due(many, "process", now)
        assert deliveries.any_due(many, ["e"], now)
        with many.write() as session:
            ids = deliveries.due(session, "e", now, 20, is_replay=False)
            assert len(deliveries.claim(session, ids, now=now, lease=LEASE)) == 20
        with many.read() as session:
            find_standstill(session, now)

    assert len(statements) > 20
    with many.engine.connect() as connection:
        slow = {
            statement: tables
            for statement, values in statements
            if (tables := read_whole(connection, statement, values))
        }
    assert slow == {}


def test_no_hot_statement_goes_row_by_row(
    database: Database, gateway: Gateway, receive: Callable[..., None]
) -> None:
    """Each row of an `executemany` is parsed, planned and executed on its own, and described to Python on its own."""
    rows: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, _values: Any, _context: Any, many: bool) -> None:
        if many:
            rows.append(statement)

    customers = [f"54911000{n}" for n in range(20)]
    billed = {"pricing": {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "service"}}
    event.listen(database.engine, "before_cursor_execute", note)
    for name in ("Ana", "Eva"):
        receive(
            message_body(
                *(text_of(sender=each) for each in customers), contacts=[contact(each, name) for each in customers]
            ),
            status_body(*(status(f"wamid.{n}", "sent", **billed) for n in range(20))),
        )
    while index_messages(database) or index_contacts(database):
        pass
    CountTraffic(database)(utc_now())
    assert rows == []

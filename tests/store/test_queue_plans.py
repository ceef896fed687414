"""A queue that fills at once costs no more than one that was long when PostgreSQL last looked at it.

PostgreSQL takes statistics when a tenth of a table has changed, and every night: of a queue mostly when it is empty.
What they say then of the rows that wait is wrong by any factor an hour later. Each statement is executed here, and the
pages that it read are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from app.clock import utc_now
from app.container import Gateway
from app.db.database import Database
from app.store import deliveries, delivery_batches, delivery_order, jobs, queue
from app.store.deliveries import DeliveryUpdate
from tests.conftest import on_postgresql
from tests.factories import PNID
from tests.store.test_plans import ID, LEASE, run

pytestmark = on_postgresql

EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "
DONE, WAITING, CONTACTS, AT_ONCE = 20_000, 8_000, 400, 100
MOST_PAGES = 60 * AT_ONCE
"""A row that changes is put into some of its table's indexes; a walk through all that waits costs far more."""

DONE_ROWS = f"""
INSERT INTO contacts (id, wa_id, name, event_count, created_at, updated_at)
    SELECT {ID}, 'w' || n, 'N', 1, now(), now() FROM generate_series(1, {CONTACTS}) n;
INSERT INTO endpoints (id, url, format, secret, ordered, replies, paused, failures, opens, created_at, updated_at)
    VALUES ('e', 'https://app.example/', 'event', '', true, false, false, 0, 0, now(), now());
INSERT INTO deliveries (endpoint_id, event_id, contact_id, state, is_replay, attempts, created_at, finished_at)
    SELECT 'e', {ID}, lpad(to_hex(1 + mod(n, {CONTACTS})), 32, '0'), 'delivered', false, 1, now(), now()
    FROM generate_series(1, {DONE}) n;
"""
WAITING_ROWS = f"""
INSERT INTO deliveries (endpoint_id, event_id, contact_id, state, is_replay, due_at, attempts, created_at)
    SELECT 'e', {ID}, lpad(to_hex(1 + mod(n, {CONTACTS})), 32, '0'), 'pending', false, now() - interval '1 minute', 0,
           now() FROM generate_series({DONE} + 1, {DONE} + {WAITING}) n;
INSERT INTO jobs (kind, subject_id, due_at, attempts, created_at)
    SELECT CASE WHEN mod(n, 2) = 0 THEN 'process' ELSE 'media' END, {ID}, now() - interval '1 minute', 0, now()
    FROM generate_series(1, {WAITING}) n;
INSERT INTO messages (id, direction, phone_number_id, contact_id, recipient, message_type, message, content,
                      status, source, flags, timestamp, received_at, updated_at)
    SELECT {ID}, 'outbound', '{PNID}', lpad(to_hex(1 + mod(n, {CONTACTS})), 32, '0'), '+' || n, 'text', 'x', '{{}}',
           'queued', 'live', '[]', now(), now(), now() FROM generate_series(1, {WAITING}) n;
INSERT INTO queued_sends (message_id, phone_number_id, recipient, lane, attempt, refusals, wanted_at, due_at,
                          expires_at)
    SELECT id, phone_number_id, recipient, 2, 2, 0, now(), now() - interval '1 minute', now() + interval '1 day'
    FROM messages;
"""


@contextmanager
def pages_counted(database: Database) -> Iterator[dict[str, int]]:
    """By statement, how many pages PostgreSQL looks at for it. Each is executed twice, and undone the first time."""
    found: dict[str, int] = {}

    def count(connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        if many or statement.lstrip().split()[0] not in {"SELECT", "UPDATE", "DELETE", "WITH"}:
            return
        with connection.connection.cursor() as cursor:
            cursor.execute("SAVEPOINT counted")
            cursor.execute(EXPLAIN + statement, values)
            ((plan,),) = cursor.fetchone()
            cursor.execute("ROLLBACK TO SAVEPOINT counted")
        pages = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
        found[statement] = max(pages, found.get(statement, 0))

    event.listen(database.engine, "before_cursor_execute", count)
    yield found
    event.remove(database.engine, "before_cursor_execute", count)


@pytest.mark.parametrize("statistics", ["none", "of empty queues"])
def test_a_queue_that_fills_at_once(database: Database, gateway: Gateway, statistics: str) -> None:
    run(database, DONE_ROWS)
    if statistics != "none":
        run(database, "VACUUM ANALYZE;\n")
    run(database, WAITING_ROWS)
    now = utc_now()
    with pages_counted(database) as found:
        with database.write() as session:
            ids, waiting = delivery_order.due(session, "e", now, AT_ONCE, is_replay=False)
            assert (len(ids), waiting) == (AT_ONCE, {})
            assert delivery_order.blocked(session, ids) == {}
            claims = deliveries.claim(session, ids, now=now, lease=LEASE)
            assert len(claims) == AT_ONCE
            assert deliveries.renew(session, claims, now + LEASE) == claims
            assert delivery_batches.members(session, ids) == []
            delivery_order.unblock_next(session, claims, now)
            updates = [DeliveryUpdate(claim, "delivered", None, None, 1) for claim in claims]
            deliveries.record(session, updates, now)
        with database.write() as session:
            ids, waiting = delivery_order.due(session, "e", now, CONTACTS + AT_ONCE, is_replay=False)
            assert len(waiting) >= AT_ONCE
            delivery_order.defer(session, waiting, now + LEASE)
        with database.write() as session:
            contacts = [claim.contact_id or "" for claim in claims]
            ours = delivery_batches.pending_of_contacts(session, "e", contacts, AT_ONCE, is_replay=False)
            assert len(ours) == AT_ONCE
            delivery_batches.claim(session, [[ours[0][0]]], now=now, lease=LEASE, is_probe=False)
        with database.write() as session:
            taken = jobs.claim(session, "process", now=now, lease=LEASE, limit=AT_ONCE)
            assert len(jobs.unfinished(session, "process", AT_ONCE)) == len(taken) == AT_ONCE
            jobs.renew(session, taken, now + LEASE)
            jobs.finish(session, taken)
        with database.write() as session:
            sends = queue.next_due(session, PNID, now, AT_ONCE)
            assert len(sends) == AT_ONCE
            queue.remove(session, [send["message_id"] for send in sends])

    assert len(found) > 15
    assert {statement: pages for statement, pages in found.items() if pages > MOST_PAGES} == {}
